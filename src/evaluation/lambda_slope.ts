/**
 * Whether accuracy grows with lambda: a line through the runs of a sweep, with the seed as the unit.
 *
 * The runs of a seed share weights and batches, so they are no independent points. Each seed has a
 * line of its own, and the slopes over seeds are the sample (the two-stage analysis of repeated
 * measures; Matthews and others 1990, "Analysis of serial measurements in medical research"). R2 of
 * one line through everything stands beside it because it is what such charts print.
 */
import { mean } from "simple-statistics";
import { summarise, type Summary } from "./intervals.ts";
import { type FittedLine, leastSquares } from "./least_squares.ts";

/** One run of a sweep. */
export interface SweepPoint {
  /** Seed of the run. */
  seed: number;
  /** Weight of L_cos. */
  lambda: number;
  /** Its accuracy, in any unit. */
  accuracy: number;
}

/** Lines through a sweep; slopes in the unit of accuracy per unit of lambda. */
export interface LambdaSlope {
  /** Slopes of the seeds' own lines, of those that ran at two lambdas or more; null where none did. */
  overSeeds: Summary | null;
  /** One line through all runs, as if they were independent; null at a single lambda. */
  allRuns: FittedLine | null;
  /** One line through the means of each lambda. */
  means: FittedLine | null;
}

/**
 * Fits the lines.
 *
 * @example
 * ```ts
 * import { lambdaSlope } from "./lambda_slope.ts";
 * import assert from "node:assert/strict";
 *
 * const { overSeeds, allRuns } = lambdaSlope([
 *   { seed: 1, lambda: 0, accuracy: 70 },
 *   { seed: 1, lambda: 2, accuracy: 72 },
 *   { seed: 2, lambda: 0, accuracy: 80 },
 *   { seed: 2, lambda: 2, accuracy: 84 },
 * ]);
 * assert.deepEqual([overSeeds!.n, overSeeds!.mean], [2, 1.5]);
 * // Seeds differ far more than lambdas do, which one line through all cannot see.
 * assert.ok(allRuns!.rSquared < 0.1);
 * ```
 */
export function lambdaSlope(runs: readonly SweepPoint[]): LambdaSlope {
  const line = (points: readonly SweepPoint[]) =>
    leastSquares(points.map(({ lambda, accuracy }) => [lambda, accuracy] as const));
  const slopes = [...Map.groupBy(runs, ({ seed }) => seed).values()].flatMap((points) =>
    line(points)?.slope ?? []
  );
  const lambdas = [...Map.groupBy(runs, ({ lambda }) => lambda)];
  return {
    overSeeds: slopes.length === 0 ? null : summarise(slopes),
    allRuns: line(runs),
    means: leastSquares(
      lambdas.map(([lambda, points]) =>
        [lambda, mean(points.map(({ accuracy }) => accuracy))] as const
      ),
    ),
  };
}
