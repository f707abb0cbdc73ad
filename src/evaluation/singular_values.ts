/**
 * The spectrum of embeddings.
 */
import {
  type CentringOption,
  checked,
  columnMeans,
  type EmbeddingMatrix,
} from "./embedding_matrix.ts";
import { columnsOf, gramMatrix, rowsOf } from "./matrix_product.ts";
import { symmetricEigenvalues } from "./symmetric_eigenvalues.ts";

/**
 * The min(rows, cols) singular values, largest first: roots of the eigenvalues of the smaller Gram
 * matrix. A value below about 1e-8 of the largest is rounding noise of the Gram matrix. NaN where a
 * number is not finite.
 *
 * @example
 * ```ts
 * import { singularValues } from "./singular_values.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(3, 0, 0, 4) };
 * assert.deepEqual([...singularValues(z)], [4, 3]);
 * ```
 */
export function singularValues(
  matrix: EmbeddingMatrix,
  option: CentringOption = {},
): Float64Array {
  return rootsOfGram(smallerGram(matrix, option), Math.min(matrix.rows, matrix.cols));
}

/** Roots of the eigenvalues of a Gram matrix (size, size), largest first. */
export function rootsOfGram(gram: Float64Array, size: number): Float64Array {
  return symmetricEigenvalues(gram, size).map((value) => Math.sqrt(Math.max(value, 0)));
}

/**
 * M^T M or M M^T, whichever is smaller; their non-zero eigenvalues agree. Centring comes before the
 * Gram matrix, not after: G - n m^T m cancels where all rows share a direction.
 */
export function smallerGram(
  matrix: EmbeddingMatrix,
  { centred = false }: CentringOption = {},
): Float64Array {
  const { rows, cols } = checked(matrix);
  const means = centred ? columnMeans(matrix) : undefined;
  return gramMatrix(cols <= rows ? columnsOf(matrix, means) : rowsOf(matrix, means));
}
