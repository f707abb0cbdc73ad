/** How alike the rows of two matrices are, pair by pair. */
import { checked, type EmbeddingMatrix, unitScales } from "./embedding_matrix.ts";

/**
 * Mean cosine of the row pairs (a_i, b_i); each norm is at least 1e-8.
 *
 * @throws {RangeError} when the shapes differ
 *
 * @example
 * ```ts
 * import { meanCosine } from "./alignment.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const again = { rows: 2, cols: 2, data: Float32Array.of(2, 0, 1, 0) };
 * assert.equal(meanCosine(z, again), 0.5);
 * ```
 */
export function meanCosine(a: EmbeddingMatrix, b: EmbeddingMatrix): number {
  const { rows, cols } = checkEqualShapes(a, b);
  const scalesA = unitScales(a), scalesB = unitScales(b);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    let dot = 0;
    for (let j = i * cols; j < (i + 1) * cols; j++) dot += a.data[j] * b.data[j];
    sum += dot * scalesA[i] * scalesB[i];
  }
  return sum / rows;
}

/**
 * L_cos = 1 - mean cosine of the row pairs, see {@linkcode meanCosine}.
 *
 * @throws {RangeError} when the shapes differ
 *
 * @example
 * ```ts
 * import { cosineLoss } from "./alignment.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const z = { rows: 2, cols: 2, data: Float32Array.of(2, 0, 1, 0) };
 * assert.equal(cosineLoss(x, z), 0.5);
 * ```
 */
export function cosineLoss(a: EmbeddingMatrix, b: EmbeddingMatrix): number {
  return 1 - meanCosine(a, b);
}

/**
 * Alignment: the mean squared distance of paired unit rows (Wang and Isola, Understanding contrastive
 * representation learning through alignment and uniformity on the hypersphere, ICML 2020,
 * arXiv 2005.10242); 2 - 2 mean cosine, but exact also where the rows are nearly equal. From 0 to 4.
 *
 * @throws {RangeError} when the shapes differ
 *
 * @example
 * ```ts
 * import { alignment } from "./alignment.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 1, cols: 2, data: Float32Array.of(1, 0) };
 * assert.equal(alignment(z, { rows: 1, cols: 2, data: Float32Array.of(0, 3) }), 2);
 * ```
 */
export function alignment(a: EmbeddingMatrix, b: EmbeddingMatrix): number {
  const { rows, cols } = checkEqualShapes(a, b);
  const scalesA = unitScales(a), scalesB = unitScales(b);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = i * cols; j < (i + 1) * cols; j++) {
      sum += (a.data[j] * scalesA[i] - b.data[j] * scalesB[i]) ** 2;
    }
  }
  return sum / rows;
}

function checkEqualShapes(a: EmbeddingMatrix, b: EmbeddingMatrix): EmbeddingMatrix {
  checked(a);
  checked(b);
  if (a.rows !== b.rows || a.cols !== b.cols) {
    throw new RangeError(
      `Cannot compare rows: shapes ${a.rows} x ${a.cols} and ${b.rows} x ${b.cols} differ`,
    );
  }
  return a;
}
