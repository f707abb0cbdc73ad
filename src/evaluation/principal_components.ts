/** Principal components: the flat picture of embeddings that keeps most of their variance. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { checked, columnMeans, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { gramMatrix, rowsOf } from "./matrix_product.ts";

/** Rows in the coordinates of the first principal components. */
export interface PrincipalScores {
  /** Of each row, its coordinates. */
  scores: number[][];
  /** Share of the variance along each component, from 0 to 1; 0 where nothing varies. */
  explained: number[];
}

/**
 * Coordinates of the rows on their first principal components (Pearson 1901; Hotelling 1933), from
 * the eigenvectors of the Gram matrix of centred rows: its time grows with the cube of the rows, so
 * it is for some hundred of them. Of each component the coordinate of largest magnitude is positive,
 * so the same rows give the same picture.
 *
 * @param components how many; those that the rows do not have are 0
 *
 * @example
 * ```ts
 * import { principalScores } from "./principal_components.ts";
 * import assert from "node:assert/strict";
 *
 * // All along one line.
 * const line = { rows: 3, cols: 2, data: Float64Array.of(0, 0, 3, 4, 9, 12) };
 * const { scores, explained } = principalScores(line, 1);
 * assert.ok(Math.abs(explained[0] - 1) < 1e-12);
 * assert.ok(Math.abs(scores[2][0] - scores[1][0] - 10) < 1e-9);
 * ```
 */
export function principalScores(matrix: EmbeddingMatrix, components: number): PrincipalScores {
  const { rows } = checked(matrix);
  const gram = gramMatrix(rowsOf(matrix, columnMeans(matrix)));
  const { realEigenvalues: values, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(
    Matrix.from1DArray(rows, rows, gram),
    { assumeSymmetric: true },
  );
  let total = 0;
  for (let i = 0; i < rows; i++) total += gram[i * (rows + 1)];
  const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
  const axes = Array.from({ length: components }, (_, component) => {
    const at = order[component];
    const variance = at === undefined ? 0 : Math.max(values[at], 0);
    const scores = Array.from(
      { length: rows },
      (_, i) => variance === 0 ? 0 : vectors.get(i, at) * Math.sqrt(variance),
    );
    const largest = scores.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0);
    return {
      scores: scores.map((score) => largest < 0 ? -score : score),
      explained: total === 0 ? 0 : variance / total,
    };
  });
  return {
    scores: Array.from({ length: rows }, (_, i) => axes.map(({ scores }) => scores[i])),
    explained: axes.map(({ explained }) => explained),
  };
}
