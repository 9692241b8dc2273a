import { builtinModules } from 'node:module';
import { join } from 'node:path/posix';
import ts from 'typescript';
import { textOf } from './files.ts';

export interface Import {
  readonly from: string;
  /** A file of this repository, or a package: `pg`, `node:fs`. */
  readonly to: string;
  readonly isFile: boolean;
}

/** Static, dynamic and type-only imports of a TypeScript file. */
export function importsOf(path: string): readonly Import[] {
  return ts.preProcessFile(textOf(path), true, true).importedFiles.map(({ fileName }) => {
    if (fileName.startsWith('.')) return { from: path, to: join(path, '..', fileName), isFile: true };
    const scoped = fileName.startsWith('@');
    const name = fileName.startsWith('node:') ? fileName : fileName.split('/', scoped ? 2 : 1).join('/');
    return { from: path, to: builtinModules.includes(name) ? `node:${name}` : name, isFile: false };
  });
}

/** What a file of a layer may import: layers of src/ (folders below which files stand), and packages. */
export interface Rule {
  readonly layers: readonly string[];
  readonly packages: readonly string[];
}

const NODE = 'node:*';
/** The drivers of each engine: nobody else may import them. */
export const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  postgres: ['pg', '@mongodb-js/saslprep'],
  mysql: ['mysql2', 'iconv-lite', 'zstddec'],
};

/** The import rule, in the words of docs/architecture.md. A layer may always import from itself. */
export const RULES: Readonly<Record<string, Rule>> = {
  bytes: { layers: [], packages: [] },
  values: { layers: ['bytes'], packages: [] },
  contract: { layers: ['bytes', 'values'], packages: ['zod', 'node:stream'] },
  protocol: { layers: ['contract', 'values'], packages: ['zod', 'node:crypto', 'node:zlib'] },
  net: { layers: ['contract'], packages: [NODE] },
  core: { layers: ['contract', 'protocol', 'bytes', 'values'], packages: [NODE] },
  cli: {
    layers: ['bytes', 'values', 'contract', 'net', 'protocol', 'core'],
    packages: [NODE, 'zod', 'ajv', 'ajv-formats', 'commander'],
  },
  // The one list of engines.
  'cli/registry.ts': { layers: ['contract', 'engines'], packages: [] },
  'main.ts': { layers: ['cli', 'core', 'contract'], packages: [NODE] },
  ...Object.fromEntries(
    Object.entries(DRIVERS).map(([engine, drivers]) => [
      `engines/${engine}`,
      { layers: ['contract', 'values', 'bytes', 'net'], packages: [NODE, 'zod', ...drivers] },
    ]),
  ),
};

/** The layer whose rule holds for a file of src/: the most exact of the names in RULES. */
export function layerOf(path: string): string | undefined {
  const inSource = path.slice('src/'.length);
  return Object.keys(RULES)
    .filter(layer => inSource === layer || inSource.startsWith(`${layer}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** Why an import breaks the rule of its layer; null when it keeps it. */
export function breach({ from, to, isFile }: Import): string | null {
  const layer = layerOf(from);
  const rule = layer === undefined ? undefined : RULES[layer];
  if (layer === undefined || rule === undefined) return `${from} stands in no layer`;
  const may = `${layer} may import ${[layer, ...rule.layers].join(', ')}; packages: ${rule.packages.join(', ') || 'none'}`;
  if (!isFile) {
    const allowed = rule.packages.includes(to) || (to.startsWith('node:') && rule.packages.includes(NODE));
    return allowed && to !== 'node:process' ? null : `${from} imports ${to}. ${may}`;
  }
  if (to === 'package.json' && layer === 'cli') return null;
  if (!to.startsWith('src/')) return `${from} imports ${to}, outside of src/. ${may}`;
  const inside = to.slice('src/'.length);
  const own = inside.startsWith(`${layer}/`) || (layer === 'cli/registry.ts' && inside.startsWith('cli/'));
  const allowed = own || rule.layers.some(name => inside.startsWith(`${name}/`));
  return allowed ? null : `${from} imports ${to}. ${may}`;
}

/** The first cycle of imports found, as the files along it; null when there is none. */
export function importCycle(files: readonly string[]): readonly string[] | null {
  const targets = new Map(
    files.map(file => [
      file,
      importsOf(file)
        .filter(each => each.isFile)
        .map(each => each.to),
    ]),
  );
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] | null => {
    const seen = trail.indexOf(file);
    if (seen >= 0) return [...trail.slice(seen), file];
    if (done.has(file)) return null;
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
}

/** Default exports, and uses of the global `process`. */
export function findings(path: string): { readonly defaultExports: readonly Finding[]; readonly process: readonly Finding[] } {
  const source = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true);
  const defaultExports: Finding[] = [];
  const processUses: Finding[] = [];
  const at = (node: ts.Node): Finding => ({ path, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  const visit = (node: ts.Node): void => {
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      if (!ts.isDefaultClause(node.parent)) defaultExports.push(at(node));
    } else if (ts.isExportSpecifier(node) && node.name.text === 'default') defaultExports.push(at(node));
    else if (ts.isIdentifier(node) && node.text === 'process' && !isName(node)) processUses.push(at(node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { defaultExports, process: processUses };
}

/** `a.process`, `{ process: … }` and the like name a member; they do not use the global. */
function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && parent.expression.getText() !== 'globalThis';
  return (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) && parent.name === node;
}
