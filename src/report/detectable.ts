/**
 * What a comparison of this size could have found.
 */
import { SEEDS_FOR_A_VERDICT, type Summary } from "../evaluation/intervals.ts";
import { smallestDetectableEffect } from "../evaluation/power.ts";
import { fixed } from "./number_format.ts";

/** Powers at which the smallest detectable effect is printed. */
const POWERS = [0.8, 0.9];

/** Heading of the column. */
export const DETECTABLE = "Detectable, 80 % / 90 %";

/**
 * The smallest true difference found with 80 % and with 90 % power, given the spread and the number
 * of these differences; null with fewer seeds than a verdict needs, which find nothing.
 *
 * @param alpha two-sided level of the test
 * @param unit what the differences are multiplied by, 100 for points
 */
export function detectableEffects(
  difference: Summary | null,
  alpha: number,
  unit: number,
  decimals: number,
): string | null {
  if (difference === null || difference.n < SEEDS_FOR_A_VERDICT || difference.sd === null) {
    return null;
  }
  const { n: seeds, sd } = difference;
  if (!Number.isFinite(sd)) return null;
  return POWERS.map((power) =>
    fixed(smallestDetectableEffect({ sd: unit * sd, seeds, alpha, power }), decimals)
  ).join(" / ");
}
