import { readFile } from 'node:fs/promises';
import { ConnectorError } from '../contract/errors.ts';

/** The text of a file that the command line names. Throws FILE_UNREADABLE, which quotes nothing of the contents. */
export async function readText(option: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConnectorError('FILE_UNREADABLE', `${option} ${path}: ${reason(error)}.`, { cause: error });
  });
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new ConnectorError('FILE_UNREADABLE', `${option} ${path}: the text is UTF-16; save it as UTF-8.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConnectorError('FILE_UNREADABLE', `${option} ${path}: the bytes are not UTF-8.`, { cause: error });
  }
}

/** A problem with the file it is in: `config.json at /source/port: …`, `config.json: not valid JSON at line 1, column 5: …`. */
export const inFile = (path: string, problem: string): string =>
  problem.startsWith('at ') ? `${path} ${problem}` : `${path}: ${problem}`;

/** Runs what looks into a file, and names the file in the error when the fault is there. */
export async function lookingInto<T>(path: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const isOfFile = error instanceof ConnectorError && (error.code === 'CATALOG_INVALID' || error.code === 'STATE_INVALID');
    throw isOfFile
      ? new ConnectorError(error.code, inFile(path, error.detail), { cause: error.cause, table: error.table })
      : error;
  }
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'the file may not be read by the user that runs the connector';
    case 'EISDIR':
      return 'this is a folder, not a file';
    default:
      return `reading it failed with ${error.code ?? error.message}`;
  }
}
