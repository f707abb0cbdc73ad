/**
 * The Mann-Whitney U test: whether values of one sample tend to be larger than those of another.
 *
 * Source: Mann and Whitney 1947, "On a test of whether one of two random variables is
 * stochastically larger than the other", doi 10.1214/aoms/1177730491.
 */
import { errorFunction, wilcoxonRankSum } from "simple-statistics";

/** Outcome of the test. */
export interface MannWhitney {
  /** Pairs in which the value of the first sample is larger, ties as a half. */
  u: number;
  /** Two-sided p-value. */
  p: number;
  /** Whether `p` is from the exact distribution or from a normal approximation. */
  method: "exact" | "normal";
}

/** Larger samples are compared by the normal approximation. */
const LARGEST_EXACT = 20;

/**
 * Two-sided test of two independent samples. Exact when both have at most twenty values and no two
 * are equal; otherwise normal with corrections for ties and for continuity.
 *
 * @throws {RangeError} If a sample is empty.
 *
 * @example
 * ```ts
 * import { mannWhitney } from "./mann_whitney.ts";
 * import assert from "node:assert/strict";
 *
 * // Three values all below three others: 2 of the 20 ways to mix them are so extreme.
 * assert.deepEqual(mannWhitney([1, 2, 3], [4, 5, 6]), { u: 0, p: 0.1, method: "exact" });
 * ```
 */
export function mannWhitney(x: readonly number[], y: readonly number[]): MannWhitney {
  if (x.length === 0 || y.length === 0) {
    throw new RangeError("Cannot compare samples: one of them is empty");
  }
  const [n, m] = [x.length, y.length];
  const u = wilcoxonRankSum([...x], [...y]) - n * (n + 1) / 2;
  const all = [...x, ...y];
  const ties = [...Map.groupBy(all, (value) => value).values()].map(({ length }) => length);
  return n <= LARGEST_EXACT && m <= LARGEST_EXACT && ties.every((size) => size === 1)
    ? { u, p: exactP(u, n, m), method: "exact" }
    : { u, p: normalP(u, n, m, ties), method: "normal" };
}

/** Twice the share of orders with a U as small, at most 1. */
function exactP(u: number, n: number, m: number): number {
  const orders = countOrders(n, m);
  const total = orders.reduce((a, b) => a + b, 0);
  const smaller = orders.slice(0, Math.min(u, n * m - u) + 1).reduce((a, b) => a + b, 0);
  return Math.min(1, 2 * smaller / total);
}

/**
 * How many of the orders of n + m different values have U = 0, 1, ..., n m: the coefficients of the
 * Gaussian binomial, prod_{i=1}^{n} (1 - q^(m+i)) / (1 - q^i).
 */
function countOrders(n: number, m: number): number[] {
  const counts = new Array<number>(n * m + 1).fill(0);
  counts[0] = 1;
  for (let i = 1; i <= n; i++) {
    for (let u = counts.length - 1; u >= m + i; u--) counts[u] -= counts[u - m - i];
    for (let u = i; u < counts.length; u++) counts[u] += counts[u - i];
  }
  return counts;
}

function normalP(u: number, n: number, m: number, ties: readonly number[]): number {
  const total = n + m;
  const tied = ties.reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = n * m / 12 * (total + 1 - tied / (total * (total - 1)));
  const distance = Math.max(0, Math.abs(u - n * m / 2) - 0.5);
  // All values are equal.
  if (variance === 0) return 1;
  // Both tails of the standard normal distribution.
  return 1 - errorFunction(distance / Math.sqrt(2 * variance));
}
