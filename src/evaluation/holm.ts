/**
 * Holm's step-down correction for several tests (Holm 1979, "A simple sequentially rejective
 * multiple test procedure").
 *
 * It holds the chance of any false rejection among the tests at the level, however the tests depend
 * on one another.
 */

/**
 * Adjusted p-values in the order of the given ones: the i-th smallest of m (from 0) times m - i, no
 * smaller than any before it, at most 1. A test is rejected where its adjusted p is below the level.
 *
 * @throws {RangeError} when a p is not between 0 and 1
 *
 * @example
 * ```ts
 * import { holm } from "./holm.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(holm([0.01, 0.25, 0.125]), [0.03, 0.25, 0.25]);
 * ```
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot adjust p-values: ${wrong} is not between 0 and 1`);
  }
  const adjusted = new Array<number>(pValues.length);
  let most = 0;
  [...pValues.keys()].sort((a, b) => pValues[a] - pValues[b]).forEach((at, rank) => {
    most = Math.max(most, Math.min(1, (pValues.length - rank) * pValues[at]));
    adjusted[at] = most;
  });
  return adjusted;
}
