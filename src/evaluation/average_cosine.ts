/** Do all embeddings point the same way? */
import {
  atLeastTwoRows,
  type EmbeddingMatrix,
  meanUnitRow,
  MINIMUM_NORM,
  rowNorms,
  sumOfSquares,
} from "./embedding_matrix.ts";

/**
 * Mean cosine over all pairs of different rows: 1 is a complete collapse onto one direction, 0 is
 * no common direction. With unit rows u_i it is (|sum u_i|^2 - sum |u_i|^2) / (n (n - 1)), so no
 * pair is formed.
 *
 * @throws {RangeError} with fewer than 2 rows
 *
 * @example
 * ```ts
 * import { averageCosine } from "./average_cosine.ts";
 * import assert from "node:assert/strict";
 *
 * // Three embeddings, two of them in one direction: one pair of three has cosine 1, two have 0.
 * const z = { rows: 3, cols: 2, data: Float32Array.of(1, 0, 2, 0, 0, 3) };
 * assert.ok(Math.abs(averageCosine(z) - 1 / 3) < 1e-12);
 * ```
 */
export function averageCosine(matrix: EmbeddingMatrix): number {
  const { rows } = atLeastTwoRows(matrix, "average cosine");
  // A row shorter than the smallest norm is no unit row.
  const own = sumOfSquares(rowNorms(matrix).map((norm) => norm / Math.max(norm, MINIMUM_NORM)));
  return (sumOfSquares(meanUnitRow(matrix)) * rows ** 2 - own) / (rows * (rows - 1));
}
