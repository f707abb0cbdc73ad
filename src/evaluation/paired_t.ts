/**
 * The paired t test over seeds: Student's t of the mean of per-seed differences, two-sided.
 *
 * The arms of a seed share initial weights, batch order and data, so the differences at equal seeds
 * are the sample and the seed is the unit (Student 1908, "The probable error of a mean").
 */
import { studentTCdf } from "./student_t.ts";

/** A test of a mean difference of 0. */
export interface TTest {
  /** Mean over its standard error; infinite where the differences are equal and not 0. */
  t: number;
  /** Degrees of freedom, n - 1. */
  df: number;
  /** Two-sided p. */
  p: number;
}

/**
 * The paired t test from number, mean and sample standard deviation of the differences, as
 * `summarise` gives them; null for a single difference, which has no spread.
 *
 * @example
 * ```ts
 * import { pairedT } from "./paired_t.ts";
 * import { summarise } from "./intervals.ts";
 * import assert from "node:assert/strict";
 *
 * // Mean 2, standard error 1 / sqrt(3): t = 2 sqrt(3) with 2 degrees of freedom.
 * const { t, df, p } = pairedT(summarise([1, 2, 3]))!;
 * assert.ok(Math.abs(t - 2 * Math.sqrt(3)) < 1e-12 && df === 2);
 * assert.ok(Math.abs(p - 0.0742) < 1e-4);
 * ```
 */
export function pairedT(
  { n, mean, sd }: { n: number; mean: number; sd: number | null },
): TTest | null {
  if (sd === null) return null;
  // Equal differences have no standard error: 0 shows nothing, anything else cannot be chance.
  const t = mean === 0 ? 0 : mean / (sd / Math.sqrt(n));
  return { t, df: n - 1, p: Math.max(0, 2 * studentTCdf(-Math.abs(t), n - 1)) };
}
