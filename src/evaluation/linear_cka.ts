/** Do two sets of embeddings of the same tokens have the same geometry? */
import { checkPairedRows, type EmbeddingMatrix, sumOfSquares } from "./embedding_matrix.ts";
import { type JointMoments, jointMoments } from "./moments.ts";

/**
 * Linear centred kernel alignment |Z^T X|_F^2 / (|X^T X|_F |Z^T Z|_F) of centred columns (Kornblith
 * et al., Similarity of neural network representations revisited, ICML 2019, arXiv 1905.00414). 1
 * where Z is X turned, reflected, scaled and shifted; 0 where all rows of one are equal.
 *
 * @param x (rows, d1)
 * @param z (rows, d2)
 * @throws {RangeError} when the numbers of rows differ
 *
 * @example
 * ```ts
 * import { linearCka } from "./linear_cka.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 0, 1, 2, 2) };
 * const turned = { rows: 3, cols: 2, data: Float64Array.of(0, 2, -2, 0, -4, 4) };
 * assert.ok(Math.abs(linearCka(x, turned) - 1) < 1e-12);
 * ```
 */
export function linearCka(x: EmbeddingMatrix, z: EmbeddingMatrix): number {
  checkPairedRows(x, z);
  return linearCkaOf(jointMoments(x, z));
}

/** {@linkcode linearCka} of known moments. */
export function linearCkaOf({ x, z, cross }: JointMoments): number {
  const shared = sumOfSquares(cross);
  return shared === 0 ? 0 : shared / Math.sqrt(sumOfSquares(x.scatter) * sumOfSquares(z.scatter));
}
