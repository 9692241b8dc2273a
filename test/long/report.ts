import type { KillReport } from '../kit/kill.ts';

export interface Campaign extends KillReport {
  readonly date: string;
  /** The connector's version. */
  readonly connector: string;
  /** Engine and kind of server, for people: what the line of a table is found by. */
  readonly label: string;
}

const HEAD = '| server | version | date | connector | seed | kills | in a snapshot | in the log | changes meanwhile | records |';
const RULE = '|---|---|---|---|---|---|---|---|---|---|';

const line = (campaign: Campaign): string => {
  const { label, version, date, connector, seed, kills, inSnapshot, inLog, changes, records } = campaign;
  return `| ${[label, version, date, connector, seed, kills, inSnapshot, inLog, changes, records].join(' | ')} |`;
};

/** The page with these campaigns in its table, each in place of the older one of the same server. Throws where there is no table. */
export function withCampaigns(page: string, campaigns: readonly Campaign[]): string {
  const start = page.indexOf(`${HEAD}\n${RULE}\n`);
  if (start < 0) throw new Error('the page has no table of campaigns');
  const rows = start + HEAD.length + RULE.length + 2;
  const end = /(?:\|.*\n)*/.exec(page.slice(rows))?.[0].length ?? 0;
  const named = new Map(
    page
      .slice(rows, rows + end)
      .split('\n')
      .filter(Boolean)
      .map(row => [row.split(' | ')[0]?.replace('| ', '') ?? '', row]),
  );
  for (const campaign of campaigns) named.set(campaign.label, line(campaign));
  const sorted = [...named].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => `${row}\n`);
  return page.slice(0, rows) + sorted.join('') + page.slice(rows + end);
}
