/**
 * McNemar's exact test of two models on the same questions (McNemar 1947): of the questions that only
 * one of them answers right, is each as often the one as the other?
 *
 * It takes the questions for independent, so it is for one question a picture and one run a model.
 */

/**
 * Two-sided p: twice the binomial tail P(X <= min(b, c)) of b + c fair coins, at most 1.
 *
 * @param onlyFirst questions that only the first answers right
 * @param onlySecond questions that only the second answers right
 * @throws {RangeError} when a count is negative or not whole
 *
 * @example
 * ```ts
 * import { mcNemar } from "./mcnemar.ts";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(mcNemar(5, 1) - 2 * (1 + 6) / 64) < 1e-12);
 * ```
 */
export function mcNemar(onlyFirst: number, onlySecond: number): number {
  for (const count of [onlyFirst, onlySecond]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Cannot compare answers: ${count} is no number of questions`);
    }
  }
  const n = onlyFirst + onlySecond;
  // In logarithms: 2^-n leaves float64 where models differ on a thousand questions.
  let log = -n * Math.LN2, tail = 0;
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(log);
    log += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
