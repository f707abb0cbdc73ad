/**
 * The noncentral t distribution: that of a t statistic whose true mean is not 0, which is what the
 * power of a t test rests on.
 */
import { normalCdf } from "./normal.ts";

/** The density is left out where it is below exp(-40) of its peak. */
const DROP = 40;

/**
 * P(T <= t) for T = (Z + delta) / S, Z standard normal and S^2 chi-squared over its `df` degrees of
 * freedom, with an absolute error below 1e-12.
 *
 * Given S the chance is that of a normal variable, so P(T <= t) is the mean of Phi(t S - delta) over
 * S (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, chapter 31). With
 * S = exp(u) the density falls off at least exponentially on both sides of u = 0, where sums at
 * equal steps converge faster than any power of the step.
 *
 * @param delta the noncentrality: true mean over its standard error
 * @throws {RangeError} when df is not positive
 *
 * @example
 * ```ts
 * import { noncentralTCdf } from "./noncentral_t.ts";
 * import assert from "node:assert/strict";
 *
 * // At 0 only the sign of Z + delta matters.
 * assert.ok(Math.abs(noncentralTCdf(0, 7, 1.959963984540054) - 0.025) < 1e-12);
 * ```
 */
export function noncentralTCdf(t: number, df: number, delta: number): number {
  if (!(df > 0)) {
    throw new RangeError(
      `Cannot evaluate the noncentral t: degrees of freedom must be positive, got ${df}`,
    );
  }
  // The normal distribution in the sum rises over 1 / (t S) of u: steps are finer than that.
  const step = Math.min(0.05, 0.25 / Math.sqrt(df)) / (1 + Math.min(Math.abs(t), 1e4) / 4);
  const logDensity = (u: number) => df * (u - Math.expm1(2 * u) / 2);
  let weight = 0, sum = 0;
  for (const direction of [1, -1]) {
    for (let k = direction > 0 ? 0 : 1;; k++) {
      const u = direction * k * step;
      const log = logDensity(u);
      if (log < -DROP) break;
      const density = Math.exp(log);
      weight += density;
      sum += density * normalCdf(t * Math.exp(u) - delta);
    }
  }
  return sum / weight;
}
