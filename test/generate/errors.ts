import { ERRORS } from '../../src/contract/errors.ts';

const MEANING = {
  config_error: 'something has to be changed first; trying again does not help',
  transient_error: 'trying again later may help, and the next run goes on from the last state',
  system_error: 'a bug; please report it with the log',
} as const;

/** docs/errors.md: every code in the order of the table, each under a heading that other pages can link to. */
export function errorDocs(): string {
  const lines = [
    '# Errors',
    '',
    '<!-- Generated from src/contract/errors.ts by `npm run generate`. -->',
    '',
    'Every failure has a code. `check` shows it with each problem it finds; in other commands it stands in the',
    '`internal_message` of the TRACE message. The failure type tells what a retry is worth:',
    '',
    ...Object.entries(MEANING).map(([type, meaning]) => `- \`${type}\`: ${meaning}.`),
    '',
    '| code | failure type | what happened |',
    '|---|---|---|',
    ...Object.entries(ERRORS).map(([code, { type, title }]) => `| [${code}](#${anchor(code)}) | \`${type}\` | ${title} |`),
  ];
  for (const [code, { type, title, remedy }] of Object.entries(ERRORS)) {
    lines.push('', `## ${code}`, '', `${title}. (\`${type}\`)`, '', remedy);
  }
  return `${lines.join('\n')}\n`;
}

/** As GitHub makes it out of a heading. */
const anchor = (heading: string): string => heading.toLowerCase();
