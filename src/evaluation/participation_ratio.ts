/**
 * How evenly the variance is spread over directions: the participation ratio, and IsoScore, which is
 * the same on a scale from 0 to 1.
 */
import { type EmbeddingMatrix, sumOfSquares } from "./embedding_matrix.ts";
import { smallerGram } from "./singular_values.ts";

/**
 * Participation ratio (sum l)^2 / sum l^2 of the covariance eigenvalues l: how many directions
 * carry the variance (Gao et al., A theory of multineuronal dimensionality, bioRxiv 214262, 2017).
 * Computed as tr(C)^2 / |C|_F^2. 0 when all rows are equal.
 *
 * @example
 * ```ts
 * import { participationRatio } from "./participation_ratio.ts";
 * import assert from "node:assert/strict";
 *
 * // As much variance along the second axis as along the first.
 * const z = { rows: 4, cols: 2, data: Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1) };
 * assert.equal(participationRatio(z), 2);
 * ```
 */
export function participationRatio(matrix: EmbeddingMatrix): number {
  return participationRatioOf(
    smallerGram(matrix, { centred: true }),
    Math.min(matrix.rows, matrix.cols),
  );
}

/** {@linkcode participationRatio} of a centred Gram matrix (size, size). */
export function participationRatioOf(gram: Float64Array, size: number): number {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += gram[i * (size + 1)];
  const squares = sumOfSquares(gram);
  return squares === 0 ? 0 : trace ** 2 / squares;
}

/**
 * IsoScore: 1 where the variance is the same in all directions, 0 where it lies in one (Rudman et
 * al., IsoScore, Findings of ACL 2022, arXiv 2108.07344).
 *
 * In their steps: v are the covariance eigenvalues, v^ = sqrt(d) v / |v|, the isotropy defect
 * D = |v^ - 1| / sqrt(2 (d - sqrt d)), and the score ((d - D^2 (d - sqrt d))^2 - d) / (d (d - 1)).
 * Since |v^ - 1|^2 = 2 d - 2 sqrt(d) sum v / |v|, the bracket is sqrt(d) sum v / |v|, and the score
 * is (P - 1) / (d - 1) with the {@linkcode participationRatio} P. 1 at width 1; 0 when all rows are
 * equal.
 *
 * @example
 * ```ts
 * import { isoScore } from "./participation_ratio.ts";
 * import assert from "node:assert/strict";
 *
 * const round = { rows: 4, cols: 2, data: Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1) };
 * const line = { rows: 2, cols: 2, data: Float32Array.of(1, 1, 2, 2) };
 * assert.equal(isoScore(round), 1);
 * assert.equal(isoScore(line), 0);
 * ```
 */
export function isoScore(matrix: EmbeddingMatrix): number {
  return isoScoreOf(participationRatio(matrix), matrix.cols);
}

/** {@linkcode isoScore} of a known participation ratio at a width. */
export function isoScoreOf(participationRatio: number, width: number): number {
  if (participationRatio === 0) return 0;
  return width === 1 ? 1 : (participationRatio - 1) / (width - 1);
}
