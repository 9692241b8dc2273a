/** What the demo prints: plain text, with colour only where a person looks at a terminal. */
const coloured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint =
  (code: number) =>
  (text: string): string =>
    coloured ? `\x1b[${code}m${text}\x1b[0m` : text;

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const cyan = paint(36);

export function say(line = ''): void {
  // A live progress line may stand where this one goes: it is wiped first.
  const wipe = process.stdout.isTTY === true && process.stderr.isTTY === true ? '\r\x1b[K' : '';
  process.stdout.write(`${wipe}${line}\n`);
}

export function heading(text: string): void {
  say();
  say(bold(text));
}

const LONGEST_TEXT = 40;
const LONGEST_JSON = 72;

/** A value on one line; long ones are cut, with what was cut said. */
export function short(value: unknown): string {
  if (typeof value === 'string' && value.length > LONGEST_JSON) {
    return `${JSON.stringify(value.slice(0, LONGEST_TEXT))}${dim(`… (${value.length.toLocaleString('en-US')} characters)`)}`;
  }
  return JSON.stringify(value);
}

/**
 * The columns of a record; those that the connector adds come last, dimmed. Numbers are shown as they stand on the
 * `line`: JSON.parse would make 9.9 of 9.90.
 */
export function fields(data: Readonly<Record<string, unknown>>, line: string): string {
  const shown = (name: string, value: unknown): string =>
    (typeof value === 'number' ? new RegExp(`${JSON.stringify(name)}:(-?[\\d.]+)`).exec(line)?.[1] : undefined) ?? short(value);
  const own: string[] = [];
  const added: string[] = [];
  for (const [name, value] of Object.entries(data)) {
    if (!name.startsWith('_ab_')) own.push(`${cyan(name)} ${shown(name, value)}`);
    else if (value !== null) added.push(dim(`${name} ${shown(name, value)}`));
  }
  return [...own, ...added].join('  ');
}
