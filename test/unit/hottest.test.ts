import { expect, it } from 'vitest';
import { hottest } from '../profile/hottest.ts';

const node = (id: number, functionName: string, url = '') => ({
  id,
  callFrame: { functionName, url, lineNumber: 6, columnNumber: 0 },
});

const locate = ({ url, lineNumber }: { url: string; lineNumber: number }): string => `${url}:${lineNumber}`;

it('adds up the time of a function over all its callers, without the time of waiting', () => {
  const nodes = [
    node(1, '(root)'),
    node(2, 'copy', 'file:///build/main.js'),
    node(3, '(idle)'),
    node(4, 'copy', 'file:///build/main.js'),
  ];
  const profile = { nodes, samples: [1, 2, 3, 4, 1], timeDeltas: [0, 1000, 3000, 9000, 5000] };
  expect(hottest(profile, locate)).toEqual([
    { name: 'copy  file:///build/main.js:6', millis: 8, share: 8 / 9 },
    { name: '(root)', millis: 1, share: 1 / 9 },
  ]);
  expect(hottest(profile, locate, 1)).toHaveLength(1);
  expect(hottest({ nodes: [], samples: [], timeDeltas: [] }, locate)).toEqual([]);
});
