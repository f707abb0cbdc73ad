/** How long are embeddings? */
import { checked, type EmbeddingMatrix, rowNorms } from "./embedding_matrix.ts";

/**
 * Mean Euclidean norm of the rows.
 *
 * @example
 * ```ts
 * import { meanNorm } from "./mean_norm.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(meanNorm({ rows: 2, cols: 2, data: Float32Array.of(3, 4, 0, 1) }), 3);
 * ```
 */
export function meanNorm(matrix: EmbeddingMatrix): number {
  return rowNorms(checked(matrix)).reduce((a, b) => a + b, 0) / matrix.rows;
}
