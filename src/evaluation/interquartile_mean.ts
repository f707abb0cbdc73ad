/**
 * The interquartile mean, a mean that single lucky or unlucky seeds do not move (Agarwal and others
 * 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice", arXiv 2108.13264).
 */
import { mean } from "simple-statistics";
import { ascending } from "./ascending.ts";

/**
 * Mean of what is left when the floor(n / 4) smallest and largest values are taken off.
 *
 * @throws {RangeError} when there are no values
 *
 * @example
 * ```ts
 * import { interquartileMean } from "./interquartile_mean.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(interquartileMean([0, 70, 72, 100]), 71);
 * ```
 */
export function interquartileMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take a mean: there are no values");
  const cut = Math.floor(values.length / 4);
  return mean(ascending(values).slice(cut, values.length - cut));
}
