/** A training curve for figures: few points, and no step left out of their means. */
import { mean } from "simple-statistics";
import type { StepLosses } from "../models/training_step.ts";
import type { CurvePoint } from "../records/record.ts";

/** Points that a curve has at most. */
const MOST_POINTS = 100;

/**
 * Means over stretches of steps, of which only the last may be shorter; a point stands at the last step
 * of its stretch.
 *
 * @example
 * ```ts
 * import { thinCurve } from "./thin_curve.ts";
 * import assert from "node:assert/strict";
 *
 * const losses = [3, 1, 2].map((tokenLoss) => ({ tokenLoss, cosineLoss: null }));
 * assert.deepEqual(thinCurve(losses, 2), [
 *   { step: 2, tokenLoss: 2, cosineLoss: null },
 *   { step: 3, tokenLoss: 2, cosineLoss: null },
 * ]);
 * ```
 */
export function thinCurve(
  losses: readonly Pick<StepLosses, "tokenLoss" | "cosineLoss">[],
  most = MOST_POINTS,
): CurvePoint[] {
  const stretch = Math.max(1, Math.ceil(losses.length / most));
  return Array.from({ length: Math.ceil(losses.length / stretch) }, (_, i) => {
    const part = losses.slice(i * stretch, (i + 1) * stretch);
    return {
      step: i * stretch + part.length,
      tokenLoss: mean(part.map(({ tokenLoss }) => tokenLoss)),
      cosineLoss: part[0].cosineLoss === null
        ? null
        : mean(part.map(({ cosineLoss }) => cosineLoss!)),
    };
  });
}
