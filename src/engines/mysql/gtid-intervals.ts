/**
 * Transactions of one source: `[start, end, start, end, …]`, sorted, `end` exclusive, neither touching nor overlapping.
 * Numbers are exact: those beyond 2^53 are refused where they come in.
 */
export type Intervals = number[];

/** Index of the first interval whose end lies beyond `value`; `intervals.length` when there is none. */
export function firstEndBeyond(intervals: Intervals, value: number): number {
  let low = 0;
  let high = intervals.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle * 2 + 1] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low * 2;
}

/** Adds `[start, end)`. */
export function insert(intervals: Intervals, start: number, end: number): void {
  // The first that touches or lies behind, then all that touch: they become one.
  const from = firstEndBeyond(intervals, start - 1);
  let first = start;
  let last = end;
  let to = from;
  while (to < intervals.length && (intervals[to] ?? 0) <= end) {
    first = Math.min(first, intervals[to] ?? 0);
    last = Math.max(last, intervals[to + 1] ?? 0);
    to += 2;
  }
  intervals.splice(from, to - from, first, last);
}

/** Whether all of `others` is in `own`. */
export function includes(own: Intervals, others: Intervals): boolean {
  for (let index = 0; index < others.length; index += 2) {
    const start = others[index] ?? 0;
    const at = firstEndBeyond(own, start);
    const from = own[at];
    if (from === undefined || from > start || (own[at + 1] ?? 0) < (others[index + 1] ?? 0)) return false;
  }
  return true;
}

/** What is in both. */
export function common(own: Intervals, others: Intervals): Intervals {
  const result: Intervals = [];
  let left = 0;
  let right = 0;
  while (left < own.length && right < others.length) {
    const start = Math.max(own[left] ?? 0, others[right] ?? 0);
    const ownEnd = own[left + 1] ?? 0;
    const otherEnd = others[right + 1] ?? 0;
    const end = Math.min(ownEnd, otherEnd);
    if (start < end) result.push(start, end);
    if (ownEnd <= otherEnd) left += 2;
    else right += 2;
  }
  return result;
}

/** What is in `own` and not in `others`. */
export function without(own: Intervals, others: Intervals): Intervals {
  const result: Intervals = [];
  let right = 0;
  for (let left = 0; left < own.length; left += 2) {
    let start = own[left] ?? 0;
    const end = own[left + 1] ?? 0;
    while (right < others.length && (others[right + 1] ?? 0) <= start) right += 2;
    for (let at = right; at < others.length && (others[at] ?? 0) < end && start < end; at += 2) {
      const hole = others[at] ?? 0;
      if (hole > start) result.push(start, hole);
      start = Math.max(start, others[at + 1] ?? 0);
    }
    if (start < end) result.push(start, end);
  }
  return result;
}
