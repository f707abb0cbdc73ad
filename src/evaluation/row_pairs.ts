/**
 * Pairs of rows: distances and cosines of some rows with all rows.
 *
 * Distances come from dot products of rows with the mean taken off, which changes no distance and
 * keeps it exact where all rows share a direction.
 */
import {
  atLeastTwoRows,
  columnMeans,
  type EmbeddingMatrix,
  MINIMUM_NORM,
  pickRows,
  rowNorms,
} from "./embedding_matrix.ts";
import { products, rowsOf } from "./matrix_product.ts";

/** One row beside all rows. The arrays are used again for the next one. */
export interface RowBesideAll {
  /** The row. */
  query: number;
  /** Squared Euclidean distance to every row. */
  squaredDistances: Float64Array;
  /** Cosine with every row; each norm is at least 1e-8. */
  cosines: Float64Array;
}

/** Rows whose products are held at a time. */
const BLOCK = 256;

/**
 * Looks at every query beside all rows, itself among them.
 *
 * @throws {RangeError} with fewer than 2 rows
 */
export function* rowsBesideAll(
  matrix: EmbeddingMatrix,
  queries: readonly number[],
): Generator<RowBesideAll> {
  const { rows } = atLeastTwoRows(matrix, "distances of pairs");
  const mean = columnMeans(matrix);
  const along = dotWithRows(matrix, mean);
  const constant = mean.reduce((sum, value) => sum + value * value, 0);
  const norms = rowNorms(matrix).map((norm) => Math.max(norm, MINIMUM_NORM));
  const centredSquares = squaredNorms(matrix, mean);
  const squaredDistances = new Float64Array(rows), cosines = new Float64Array(rows);
  for (let first = 0; first < queries.length; first += BLOCK) {
    const block = queries.slice(first, first + BLOCK);
    const dots = products(rowsOf(pickRows(matrix, block), mean), rowsOf(matrix, mean));
    for (const [i, query] of block.entries()) {
      for (let j = 0; j < rows; j++) {
        const dot = dots[i * rows + j];
        squaredDistances[j] = centredSquares[query] + centredSquares[j] - 2 * dot;
        // a . b = (a - m) . (b - m) + m . a + m . b - m . m
        cosines[j] = (dot + along[query] + along[j] - constant) / (norms[query] * norms[j]);
      }
      yield { query, squaredDistances, cosines };
    }
  }
}

function dotWithRows({ rows, cols, data }: EmbeddingMatrix, vector: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let dot = 0;
    for (let j = 0; j < cols; j++) dot += data[i * cols + j] * vector[j];
    return dot;
  });
}

function squaredNorms({ rows, cols, data }: EmbeddingMatrix, mean: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += (data[i * cols + j] - mean[j]) ** 2;
    return sum;
  });
}
