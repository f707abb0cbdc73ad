/**
 * Means and scatter matrices: all that spectra, linear CKA and ridge regression need of many rows.
 *
 * The scatter is of centred rows, never a difference of uncentred sums, which would cancel where all
 * rows share a direction. What is put together from it is a sum of positive terms.
 */
import { columnMeans, type EmbeddingMatrix } from "./embedding_matrix.ts";
import { columnsOf, gramMatrix, products } from "./matrix_product.ts";

/** What is known of some rows. */
export interface Moments {
  rows: number;
  /** Mean row. */
  mean: Float64Array;
  /** Sum over the rows of (row - mean)^T (row - mean), (cols, cols). */
  scatter: Float64Array;
}

/** What is known of rows that belong together in pairs. */
export interface JointMoments {
  x: Moments;
  z: Moments;
  /** Sum over the pairs of (x - mean x)^T (z - mean z), (x's cols, z's cols). */
  cross: Float64Array;
}

/** Moments of the rows from `from` to before `to`. */
export function momentsOf(
  matrix: EmbeddingMatrix,
  from = 0,
  to: number = matrix.rows,
): Moments {
  const mean = columnMeans(matrix, from, to);
  return { rows: to - from, mean, scatter: gramMatrix(columnsOf(matrix, mean, from, to)) };
}

/** Moments of the row pairs from `from` to before `to`. */
export function jointMoments(
  x: EmbeddingMatrix,
  z: EmbeddingMatrix,
  from = 0,
  to: number = x.rows,
): JointMoments {
  const ofX = momentsOf(x, from, to), ofZ = momentsOf(z, from, to);
  return {
    x: ofX,
    z: ofZ,
    cross: products(columnsOf(x, ofX.mean, from, to), columnsOf(z, ofZ.mean, from, to)),
  };
}

/**
 * Moments of two groups of rows together (Chan, Golub and LeVeque, Algorithms for computing the
 * sample variance, The American Statistician 37, 1983).
 */
export function mergeMoments(a: JointMoments, b: JointMoments): JointMoments {
  const weight = a.x.rows * b.x.rows / (a.x.rows + b.x.rows);
  const apart = (of: "x" | "z") => a[of].mean.map((value, i) => b[of].mean[i] - value);
  const x = apart("x"), z = apart("z");
  const merge = (of: "x" | "z", difference: Float64Array): Moments => ({
    rows: a[of].rows + b[of].rows,
    mean: a[of].mean.map((value, i) =>
      value + difference[i] * (b[of].rows / (a[of].rows + b[of].rows))
    ),
    scatter: sum(a[of].scatter, b[of].scatter, weight, difference, difference),
  });
  return { x: merge("x", x), z: merge("z", z), cross: sum(a.cross, b.cross, weight, x, z) };
}

/** The Gram matrix of rows as they are: scatter + rows mean^T mean. */
export function uncentredGram({ rows, mean, scatter }: Moments): Float64Array {
  return sum(scatter, new Float64Array(scatter.length), rows, mean, mean);
}

/** a + b + weight u^T v. */
function sum(
  a: Float64Array,
  b: Float64Array,
  weight: number,
  u: Float64Array,
  v: Float64Array,
): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0, at = 0; i < u.length; i++) {
    const factor = weight * u[i];
    for (let j = 0; j < v.length; j++, at++) result[at] = a[at] + b[at] + factor * v[j];
  }
  return result;
}
