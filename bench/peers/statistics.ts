/** The paired ratio of two sides, and how far it can be trusted. */
import { median } from "simple-statistics";

/** The wanted coverage of an interval. */
const LEVEL = 0.95;

/** A median with the interval between two order statistics. */
export interface MedianInterval {
  median: number;
  low: number;
  high: number;
  /** Probability that such an interval covers the true median, whatever the distribution. */
  coverage: number;
}

/**
 * The median, and the narrowest interval between order statistics that covers the true median with
 * at least 95 %; from smallest to largest where there are fewer than six values, which covers less.
 *
 * @throws {RangeError} If there are no values
 *
 * @example
 * ```ts
 * import { medianInterval } from "./statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const { median, low, high, coverage } = medianInterval([3, 1, 2]);
 * assert.deepEqual([median, low, high, coverage], [2, 1, 3, 0.75]);
 * ```
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  if (values.length === 0) {
    throw new RangeError("Cannot take a median: there are no values");
  }
  const sorted = values.toSorted((a, b) => a - b);
  let rank = 0;
  while (coverage(values.length, rank + 1) >= LEVEL) rank++;
  return {
    median: median(sorted),
    low: sorted[rank],
    high: sorted[values.length - 1 - rank],
    coverage: coverage(values.length, rank),
  };
}

/**
 * Probability that the median lies between the values of rank `below` from either end (0 the
 * outermost) of n: it does unless at most `below` values fall on one side of it, each of which does
 * so with probability one half (David and Nagaraja, Order Statistics, section 7.1).
 */
function coverage(n: number, below: number): number {
  let binomial = 1, tail = 0;
  for (let i = 0; i <= below; i++) {
    tail += binomial;
    binomial = binomial * (n - i) / (i + 1);
  }
  return 1 - 2 * tail / 2 ** n;
}

/**
 * Our throughput over the peer's: the median of the ratios of times, alternation by alternation.
 *
 * @param ours milliseconds of each alternation
 * @param theirs milliseconds of each alternation
 * @throws {RangeError} If there are not as many of both
 */
export function pairedRatio(
  ours: readonly number[],
  theirs: readonly number[],
): MedianInterval {
  if (ours.length !== theirs.length) {
    throw new RangeError(`Cannot pair ${ours.length} samples with ${theirs.length}`);
  }
  return medianInterval(ours.map((milliseconds, i) => theirs[i] / milliseconds));
}
