/**
 * How likely a run of one arm is better than a run of another (Agarwal and others 2021, arXiv
 * 2108.13264): the Mann-Whitney statistic over the number of pairs.
 */
import { ascending } from "./ascending.ts";

/**
 * Share of pairs of an arm's and the baseline's value in which the arm's is higher, ties one half.
 * Every seed is paired with every seed, so it does not use that seeds are shared.
 *
 * @throws {RangeError} when one of them has no values
 *
 * @example
 * ```ts
 * import { probabilityOfImprovement } from "./probability_of_improvement.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(probabilityOfImprovement([72, 74], [71, 72]), 0.875);
 * ```
 */
export function probabilityOfImprovement(
  arm: readonly number[],
  baseline: readonly number[],
): number {
  if (arm.length === 0 || baseline.length === 0) {
    throw new RangeError("Cannot compare runs: there are none on one side");
  }
  const others = ascending(baseline);
  let [wins, lower, notHigher] = [0, 0, 0];
  for (const value of ascending(arm)) {
    while (lower < others.length && others[lower] < value) lower++;
    while (notHigher < others.length && others[notHigher] <= value) notHigher++;
    wins += (lower + notHigher) / 2;
  }
  return wins / (arm.length * baseline.length);
}
