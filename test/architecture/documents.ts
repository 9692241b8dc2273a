import { posix } from 'node:path';
import { textOf } from './files.ts';

export interface Link {
  readonly from: string;
  readonly target: string;
}

/** Markdown without its code: blocks and spans. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '`');

/** The links of a Markdown file that lead to a place in this repository. */
export const localLinks = (path: string): readonly Link[] =>
  [...prose(textOf(path)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(match => ({ from: path, target: match[1] ?? '' }))
    .filter(({ target }) => !/^(?:https?|mailto):/.test(target));

/** Headings as GitHub turns them into anchors; a repeated one gets a number. */
export function anchors(path: string): ReadonlySet<string> {
  const found = new Map<string, number>();
  for (const match of textOf(path)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} +(.+)$/gm)) {
    const anchor = (match[1] ?? '')
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    found.set(anchor, (found.get(anchor) ?? -1) + 1);
  }
  return new Set(
    [...found].flatMap(([anchor, more]) => [anchor, ...Array.from({ length: more }, (_, n) => `${anchor}-${n + 1}`)]),
  );
}

/** Why a link leads nowhere; null when it leads somewhere. */
export function brokenLink({ from, target }: Link, exists: (path: string) => boolean): string | null {
  const [file = '', anchor] = target.split('#', 2);
  const path = file === '' ? from : posix.normalize(posix.join(from, '..', decodeURI(file)));
  if (!exists(path)) return `${from}: ${target} is not there`;
  if (anchor === undefined || anchor === '' || !path.endsWith('.md')) return null;
  return anchors(path).has(anchor) ? null : `${from}: ${target} has no such heading`;
}

/** The shell blocks of a Markdown file. */
export const shellBlocks = (path: string): readonly string[] =>
  [...textOf(path).matchAll(/^```(?:sh|bash|shell)\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '');

const FOLDERS = /(?<![\w/~.-])(?:\.\/)?((?:bin|src|test|docs|spec|\.ci|\.config)\/[\w./-]*\w)/g;

/** What shell lines name of this repository that does not exist: npm scripts and files. */
export function unknownNames(block: string, scripts: ReadonlySet<string>, exists: (path: string) => boolean): readonly string[] {
  const unknown: string[] = [];
  for (const match of block.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)) {
    const name = match[1] ?? match[2] ?? '';
    if (!scripts.has(name)) unknown.push(`npm run ${name}`);
  }
  for (const match of block.matchAll(FOLDERS)) if (!exists(match[1] ?? '')) unknown.push(match[1] ?? '');
  return unknown;
}
