/**
 * A straight line through points by ordinary least squares, with the standard error and t interval
 * of its slope.
 */
import { linearRegression, linearRegressionLine, mean, rSquared } from "simple-statistics";
import type { Interval } from "./intervals.ts";
import { studentTCdf, studentTQuantile } from "./student_t.ts";

/** A fitted line y = intercept + slope x. */
export interface FittedLine {
  /** Points. */
  n: number;
  /** Change of y per unit of x. */
  slope: number;
  /** y at x = 0. */
  intercept: number;
  /** Share of the variance of y that the line explains, from 0 to 1. */
  rSquared: number;
  /**
   * Standard error of the slope from the residuals, n - 2 degrees of freedom, its 95 % interval and
   * two-sided p; null for two points, which leave no residual. All points count as independent.
   */
  test: { standardError: number; interval: Interval; p: number } | null;
}

/**
 * Fits a line to points (x, y); null where all x are equal, which has no slope.
 *
 * @param points at least one
 *
 * @example
 * ```ts
 * import { leastSquares } from "./least_squares.ts";
 * import assert from "node:assert/strict";
 *
 * const { slope, intercept, rSquared } = leastSquares([[0, 1], [1, 3], [2, 5]])!;
 * assert.deepEqual([slope, intercept, rSquared], [2, 1, 1]);
 * assert.equal(leastSquares([[1, 1], [1, 2]]), null);
 * ```
 */
export function leastSquares(points: readonly (readonly [number, number])[]): FittedLine | null {
  const given = points.map(([x, y]) => [x, y]);
  if (new Set(given.map(([x]) => x)).size < 2) return null;
  const n = given.length;
  // About the centre, where rounding loses least.
  const centreX = mean(given.map(([x]) => x)), centreY = mean(given.map(([, y]) => y));
  const centred = given.map(([x, y]) => [x - centreX, y - centreY]);
  const { m: slope, b } = linearRegression(centred);
  const line = linearRegressionLine({ m: slope, b });
  const spreadX = centred.reduce((sum, [x]) => sum + x ** 2, 0);
  const spreadY = centred.reduce((sum, [, y]) => sum + y ** 2, 0);
  const fit = {
    n,
    slope,
    intercept: centreY + b - slope * centreX,
    // Equal y leave nothing to explain.
    rSquared: spreadY === 0 ? 0 : rSquared(centred, line),
  };
  if (n < 3) return { ...fit, test: null };
  const residuals = centred.reduce((sum, [x, y]) => sum + (y - line(x)) ** 2, 0);
  const standardError = Math.sqrt(residuals / (n - 2) / spreadX);
  const half = studentTQuantile(0.975, n - 2) * standardError;
  const t = slope === 0 ? 0 : slope / standardError;
  return {
    ...fit,
    test: {
      standardError,
      interval: { low: slope - half, high: slope + half },
      p: Math.max(0, 2 * studentTCdf(-Math.abs(t), n - 2)),
    },
  };
}
