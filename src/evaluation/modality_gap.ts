/** How far image embeddings are from text embeddings. */
import { median } from "simple-statistics";
import {
  checkEqualWidths,
  type EmbeddingMatrix,
  meanUnitRow,
  rowNorms,
} from "./embedding_matrix.ts";

/**
 * Modality gap: the distance between the mean unit rows of both (Liang et al., Mind the gap, NeurIPS
 * 2022, arXiv 2203.02053). From 0 to 2.
 *
 * @throws {RangeError} when the widths differ
 *
 * @example
 * ```ts
 * import { modalityGap } from "./modality_gap.ts";
 * import assert from "node:assert/strict";
 *
 * const image = { rows: 1, cols: 2, data: Float32Array.of(3, 0) };
 * const text = { rows: 1, cols: 2, data: Float32Array.of(-1, 0) };
 * assert.equal(modalityGap(image, text), 2);
 * ```
 */
export function modalityGap(image: EmbeddingMatrix, text: EmbeddingMatrix): number {
  checkEqualWidths(image, text);
  const a = meanUnitRow(image), b = meanUnitRow(text);
  return Math.hypot(...a.map((value, i) => value - b[i]));
}

/**
 * Median row norm of the first over that of the second; of an even count, the mean of the middle two.
 * Infinite where the second is zero.
 *
 * @example
 * ```ts
 * import { normRatio } from "./modality_gap.ts";
 * import assert from "node:assert/strict";
 *
 * const image = { rows: 2, cols: 1, data: Float32Array.of(3, -5) };
 * const text = { rows: 1, cols: 1, data: Float32Array.of(2) };
 * assert.equal(normRatio(image, text), 2);
 * ```
 */
export function normRatio(image: EmbeddingMatrix, text: EmbeddingMatrix): number {
  return median([...rowNorms(image)]) / median([...rowNorms(text)]);
}
