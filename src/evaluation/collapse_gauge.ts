/** Have the directions collapsed? */
import {
  atLeastTwoRows,
  type EmbeddingMatrix,
  meanUnitRow,
  unitScales,
} from "./embedding_matrix.ts";

/** Which estimator of the standard deviation. */
export interface EstimatorOption {
  /** Divide by n instead of n - 1. Default: false. */
  population?: boolean;
}

/**
 * Collapse gauge: the mean over columns of the standard deviation of the unit rows, times sqrt(d)
 * (Chen and He, Exploring simple Siamese representation learning, CVPR 2021, arXiv 2011.10566, who
 * watch the deviation itself against 1 / sqrt(d)). About 1 for directions in all of space, 0 for a
 * complete collapse.
 *
 * @throws {RangeError} with fewer than 2 rows
 *
 * @example
 * ```ts
 * import { collapseGauge } from "./collapse_gauge.ts";
 * import assert from "node:assert/strict";
 *
 * const opposite = { rows: 4, cols: 2, data: Float32Array.of(2, 0, -2, 0, 0, 3, 0, -3) };
 * assert.ok(Math.abs(collapseGauge(opposite, { population: true }) - 1) < 1e-12);
 * const collapsed = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 2, 0) };
 * assert.equal(collapseGauge(collapsed), 0);
 * ```
 */
export function collapseGauge(
  matrix: EmbeddingMatrix,
  { population = false }: EstimatorOption = {},
): number {
  const { rows, cols, data } = atLeastTwoRows(matrix, "collapse gauge");
  const scales = unitScales(matrix), mean = meanUnitRow(matrix);
  const squares = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) squares[j] += (data[i * cols + j] * scales[i] - mean[j]) ** 2;
  }
  const divisor = population ? rows : rows - 1;
  const sum = squares.reduce((sum, square) => sum + Math.sqrt(square / divisor), 0);
  return sum / cols * Math.sqrt(cols);
}
