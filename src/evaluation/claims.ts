/**
 * Verdicts on claims that a study fixed before it ran.
 *
 * A claim says where the true difference to the baseline lies: beyond its margin on one side, within
 * the margin on both, or anywhere but beyond it on one side. The 95 % t interval over seeds is held
 * against that region. So "unchanged" is shown by equivalence (two one-sided tests, Schuirmann 1987,
 * at 2.5 % each) and "not lower" by non-inferiority (one of the two), never by the mere absence of a
 * difference, and every direction is judged at the same one-sided level.
 */
import { type Interval, SEEDS_FOR_A_VERDICT, type Summary } from "./intervals.ts";

/** What a claim may say of the difference to the baseline, beside its margin. */
export const DIRECTIONS = ["higher", "lower", "unchanged", "not lower", "not higher"] as const;

/** One of {@linkcode DIRECTIONS}. */
export type Direction = typeof DIRECTIONS[number];

/** Whether the seeds bear a claim out. */
export type ClaimVerdict = "supported" | "not supported" | "cannot tell at this size";

/** Where the true difference lies if the claim is right. */
const REGIONS: Record<Direction, (margin: number) => Interval> = {
  higher: (margin) => ({ low: margin, high: Infinity }),
  lower: (margin) => ({ low: -Infinity, high: -margin }),
  unchanged: (margin) => ({ low: -margin, high: margin }),
  "not lower": (margin) => ({ low: -margin, high: Infinity }),
  "not higher": (margin) => ({ low: -Infinity, high: margin }),
};

/**
 * `supported` where the interval of the difference lies inside the claimed region, `not supported`
 * where it lies outside, `cannot tell at this size` where a bound of the region is in it or there are
 * fewer seeds than a verdict needs.
 *
 * @param claim the direction, and the difference that matters, from 0 in the statistic's unit: a gain
 * must be shown to reach it, "unchanged" to stay within it, and "not lower" to lose less than it
 * @param difference paired differences to the baseline over seeds, in the same unit
 *
 * @example
 * ```ts
 * import { claimVerdict } from "./claims.ts";
 * import { summarise } from "./intervals.ts";
 * import assert from "node:assert/strict";
 *
 * const points = summarise([0.9, 1.1, 1, 1.2, 0.8]); // 95 % interval 0.80 to 1.20
 * assert.equal(claimVerdict({ direction: "higher", margin: 0.5 }, points), "supported");
 * assert.equal(claimVerdict({ direction: "higher", margin: 1 }, points), "cannot tell at this size");
 * assert.equal(claimVerdict({ direction: "unchanged", margin: 0.5 }, points), "not supported");
 * ```
 */
export function claimVerdict(
  { direction, margin }: { direction: Direction; margin: number },
  { n, interval }: Summary,
): ClaimVerdict {
  const region = REGIONS[direction](margin);
  if (n < SEEDS_FOR_A_VERDICT || interval === null) return "cannot tell at this size";
  if (interval.low > region.low && interval.high < region.high) return "supported";
  if (interval.high < region.low || interval.low > region.high) return "not supported";
  return "cannot tell at this size";
}
