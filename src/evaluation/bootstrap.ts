/**
 * The stratified bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap; for seeds as
 * Agarwal and others 2021, arXiv 2108.13264, use it).
 */
import { quantileSorted } from "simple-statistics";
import { stream } from "../data/random.ts";
import type { Interval } from "./intervals.ts";

/** So many resamples, as in arXiv 2108.13264. */
const RESAMPLES = 2000;

/**
 * Percentile interval of a statistic: every stratum is drawn anew from its own values with
 * replacement, 2,000 times. The same values give the same interval, whatever else was drawn.
 *
 * With few values it is too narrow: the spread of n values is that of their resamples times
 * sqrt(n / (n - 1)), and no resample goes beyond the values themselves.
 *
 * @param strata values by stratum, for example by arm
 * @param statistic of the resampled strata
 * @param level coverage of the interval
 * @throws {RangeError} when a stratum has no values
 *
 * @example
 * ```ts
 * import { bootstrapInterval } from "./bootstrap.ts";
 * import { interquartileMean } from "./interquartile_mean.ts";
 * import assert from "node:assert/strict";
 *
 * const { low, high } = bootstrapInterval([[70, 72, 71, 75]], ([arm]) => interquartileMean(arm));
 * assert.ok(low >= 70 && low < 71.5 && high > 71.5 && high <= 75);
 * ```
 */
export function bootstrapInterval(
  strata: readonly (readonly number[])[],
  statistic: (resampled: number[][]) => number,
  level = 0.95,
): Interval {
  if (strata.some(({ length }) => length === 0)) {
    throw new RangeError("Cannot resample: a stratum has no values");
  }
  const random = stream(0, "bootstrap");
  const drawn = Array.from(
    { length: RESAMPLES },
    () => statistic(strata.map((values) => values.map(() => values[random.int(values.length)]))),
  ).sort((a, b) => a - b);
  return {
    low: quantileSorted(drawn, (1 - level) / 2),
    high: quantileSorted(drawn, (1 + level) / 2),
  };
}
