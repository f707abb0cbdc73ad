/**
 * Spread and intervals over seeds, and what may be concluded from them.
 *
 * The seed is the unit: its initial weights, batch order and data are shared by all arms, so arms
 * are compared by the differences at equal seeds.
 */
import { mean, sampleStandardDeviation } from "simple-statistics";
import { pairedT } from "./paired_t.ts";
import { studentTQuantile } from "./student_t.ts";

/** With fewer paired seeds than this no verdict is given, whatever the interval says. */
export const SEEDS_FOR_A_VERDICT = 5;

/** A test whose p is below it has shown something. */
export const SIGNIFICANCE_LEVEL = 0.05;

/** A two-sided confidence interval. */
export interface Interval {
  /** Lower end. */
  low: number;
  /** Upper end. */
  high: number;
}

/** Values over seeds in brief. */
export interface Summary {
  /** How many values. */
  n: number;
  /** Their mean. */
  mean: number;
  /** Sample standard deviation (n - 1); null for a single value. */
  sd: number | null;
  /** t interval of the mean with n - 1 degrees of freedom; null for a single value. */
  interval: Interval | null;
}

/** What a comparison with the baseline shows. */
export type Verdict = "higher" | "lower" | "cannot tell";

/**
 * Mean, standard deviation and t interval.
 *
 * @param level coverage of the interval; default 0.95
 * @throws {RangeError} when there are no values
 *
 * @example
 * ```ts
 * import { summarise } from "./intervals.ts";
 * import assert from "node:assert/strict";
 *
 * const { mean, sd, interval } = summarise([0.9, 0.92, 0.94]);
 * assert.ok(Math.abs(mean - 0.92) < 1e-12 && Math.abs(sd! - 0.02) < 1e-12);
 * // 4.303 is Student's t at 97.5 % with 2 degrees of freedom.
 * assert.ok(Math.abs(interval!.high - (0.92 + 4.303 * 0.02 / Math.sqrt(3))) < 1e-4);
 * ```
 */
export function summarise(values: readonly number[], level = 0.95): Summary {
  const n = values.length;
  if (n === 0) throw new RangeError("Cannot summarise: there are no values");
  const centre = mean([...values]);
  if (n === 1) return { n, mean: centre, sd: null, interval: null };
  const sd = sampleStandardDeviation([...values]);
  const half = studentTQuantile((1 + level) / 2, n - 1) * sd / Math.sqrt(n);
  return {
    n,
    mean: centre,
    sd,
    interval: { low: centre - half, high: centre + half },
  };
}

/**
 * Differences `arm - baseline` over the seeds that both have; null when they share none.
 *
 * @param baseline value by seed
 * @param arm value by seed
 * @param level coverage of the interval; default 0.95
 *
 * @example
 * ```ts
 * import { pairedDifference } from "./intervals.ts";
 * import assert from "node:assert/strict";
 *
 * const baseline = new Map([[1, 0.75], [2, 0.5], [3, 0.25]]);
 * const arm = new Map([[1, 1], [2, 0.75]]);
 * const { n, mean } = pairedDifference(baseline, arm)!;
 * assert.deepEqual([n, mean], [2, 0.25]);
 * ```
 */
export function pairedDifference(
  baseline: ReadonlyMap<number, number>,
  arm: ReadonlyMap<number, number>,
  level = 0.95,
): Summary | null {
  const seeds = [...arm.keys()].filter((seed) => baseline.has(seed)).sort((
    a,
    b,
  ) => a - b);
  if (seeds.length === 0) return null;
  return summarise(
    seeds.map((seed) => arm.get(seed)! - baseline.get(seed)!),
    level,
  );
}

/** Whether the interval lies wholly on one side of 0. */
export function excludesZero(interval: Interval | null): boolean {
  return interval !== null && (interval.low > 0 || interval.high < 0);
}

/**
 * The verdict on a paired difference: `cannot tell` with fewer than {@linkcode SEEDS_FOR_A_VERDICT}
 * seeds, or where p is not below {@linkcode SIGNIFICANCE_LEVEL}.
 *
 * @param p of the difference, adjusted where it is one of a family; that of the paired t test alone
 * when absent, which is below 0.05 where the 95 % interval leaves 0 out
 *
 * @example
 * ```ts
 * import { summarise, verdict } from "./intervals.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(verdict(summarise([0.02, 0.03, 0.02, 0.03, 0.02])), "higher");
 * assert.equal(verdict(summarise([0.02, 0.03, 0.02, 0.03, 0.02]), 0.2), "cannot tell");
 * assert.equal(verdict(summarise([0.02, 0.03])), "cannot tell");
 * ```
 */
export function verdict(
  difference: Summary,
  p: number = pairedT(difference)?.p ?? 1,
): Verdict {
  if (difference.n < SEEDS_FOR_A_VERDICT || !(p < SIGNIFICANCE_LEVEL)) return "cannot tell";
  return difference.mean > 0 ? "higher" : "lower";
}
