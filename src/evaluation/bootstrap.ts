/**
 * The stratified bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap; for seeds as
 * Agarwal and others 2021, arXiv 2108.13264, use it).
 */
import { quantileSorted } from "simple-statistics";
import { type RandomStream, stream } from "../data/random.ts";
import { ascending } from "./ascending.ts";
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
 * @param statistic of the resampled strata, each in ascending order and of the size of its own
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
  const resamplers = strata.map(resampler);
  const drawn = ascending(
    Array.from({ length: RESAMPLES }, () => statistic(resamplers.map((draw) => draw(random)))),
  );
  return {
    low: quantileSorted(drawn, (1 - level) / 2),
    high: quantileSorted(drawn, (1 + level) / 2),
  };
}

/**
 * Draws values with replacement, in ascending order without sorting any resample: it counts how often
 * each is drawn.
 */
function resampler(values: readonly number[]): (random: RandomStream) => number[] {
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  const sorted = order.map((place) => values[place]);
  const ranks = new Uint32Array(values.length);
  order.forEach((place, rank) => ranks[place] = rank);
  const counts = new Uint32Array(values.length);
  return (random) => {
    counts.fill(0);
    for (let i = 0; i < ranks.length; i++) counts[ranks[random.int(ranks.length)]]++;
    const resampled = new Array<number>(sorted.length);
    for (let rank = 0, at = 0; rank < sorted.length; rank++) {
      for (let times = counts[rank]; times > 0; times--) resampled[at++] = sorted[rank];
    }
    return resampled;
  };
}
