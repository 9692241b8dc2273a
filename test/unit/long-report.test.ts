import { expect, it } from 'vitest';
import { textOf } from '../architecture/files.ts';
import { type Campaign, withCampaigns } from '../long/report.ts';

const campaign = (label: string, kills: number): Campaign => ({
  ...{ label, kills, date: '2026-12-01', connector: '0.1.0', version: '18.4', seed: 7 },
  ...{ inSnapshot: 1, inLog: 2, changes: 3, records: 4, completed: 0, transient: 0, olderStates: 0, clearedStreams: 0 },
});

it('puts a campaign into the table of docs/reliability.md, in place of the older one of the same server', () => {
  const page = textOf('docs/reliability.md');
  const first = withCampaigns(page, [campaign('Zebra 1', 10), campaign('Zebra 2', 20)]);
  const second = withCampaigns(first, [campaign('Zebra 1', 30)]);
  const lines = second.split('\n').filter(line => line.startsWith('| Zebra'));
  expect(lines).toEqual([
    '| Zebra 1 | 18.4 | 2026-12-01 | 0.1.0 | 7 | 30 | 1 | 2 | 3 | 4 |',
    '| Zebra 2 | 18.4 | 2026-12-01 | 0.1.0 | 7 | 20 | 1 | 2 | 3 | 4 |',
  ]);
  expect(second.replaceAll(/^\| Zebra.*\n/gm, '')).toBe(page);
});
