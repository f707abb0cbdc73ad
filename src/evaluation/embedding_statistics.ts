/**
 * Statistics of embeddings: are they spread out or collapsed, and how long are they?
 *
 * All arithmetic is float64, whatever the input: near a collapse the small singular values are far
 * below the float32 rounding of the large ones, and a float32 effective rank is wrong there.
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { EmbeddingStatistics } from "../study/record.ts";

/** A matrix of embeddings, row-major, one embedding a row. */
export interface EmbeddingMatrix {
  /** Number of embeddings. */
  rows: number;
  /** Width of an embedding. */
  cols: number;
  /** (rows, cols) */
  data: Float32Array | Float64Array;
}

/** Whether the columns' means are taken off first. */
export interface CentringOption {
  /** Default: false. */
  centred?: boolean;
}

/** Smallest norm a row is divided by, as in PyTorch's `cosine_similarity`; a zero row has cosine 0. */
const MINIMUM_NORM = 1e-8;

/**
 * Mean cosine over all pairs of different rows: 1 is a complete collapse onto one direction, 0 is
 * no common direction. With unit rows u_i it is (|sum u_i|^2 - sum |u_i|^2) / (n (n - 1)), so no
 * pair is formed.
 *
 * @throws {RangeError} with fewer than 2 rows
 *
 * @example
 * ```ts
 * import { averageCosine } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * // Three embeddings, two of them in one direction: one pair of three has cosine 1, two have 0.
 * const z = { rows: 3, cols: 2, data: Float32Array.of(1, 0, 2, 0, 0, 3) };
 * assert.ok(Math.abs(averageCosine(z) - 1 / 3) < 1e-12);
 * ```
 */
export function averageCosine(matrix: EmbeddingMatrix): number {
  const { rows, cols, data } = checked(matrix);
  if (rows < 2) {
    throw new RangeError(
      `Cannot compute the average cosine: it needs 2 rows, got ${rows}`,
    );
  }
  const norms = rowNorms(matrix);
  const sum = new Float64Array(cols);
  let own = 0;
  for (let i = 0; i < rows; i++) {
    const scale = 1 / Math.max(norms[i], MINIMUM_NORM);
    for (let j = 0; j < cols; j++) sum[j] += data[i * cols + j] * scale;
    own += (norms[i] * scale) ** 2;
  }
  const total = sum.reduce((acc, s) => acc + s * s, 0);
  return (total - own) / (rows * (rows - 1));
}

/**
 * The min(rows, cols) singular values, largest first: roots of the eigenvalues of the smaller Gram
 * matrix. A value below about 1e-8 of the largest is rounding noise of the Gram matrix.
 *
 * @example
 * ```ts
 * import { singularValues } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(3, 0, 0, 4) };
 * assert.deepEqual([...singularValues(z)], [4, 3]);
 * ```
 */
export function singularValues(
  matrix: EmbeddingMatrix,
  { centred = false }: CentringOption = {},
): Float64Array {
  const source = centred ? withoutColumnMeans(matrix) : checked(matrix);
  const gram = new Matrix(smallerGram(source));
  const { realEigenvalues } = new EigenvalueDecomposition(gram, {
    assumeSymmetric: true,
  });
  return Float64Array.from(realEigenvalues, (l) => Math.sqrt(Math.max(l, 0)))
    .sort().reverse();
}

/**
 * Effective rank, exp(-sum p ln p) with p = sigma / sum sigma over the singular values (Roy and
 * Vetterli, The effective rank, EUSIPCO 2007). Between 1 and min(rows, cols); 0 for a zero matrix.
 *
 * @example
 * ```ts
 * import { effectiveRank } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const spread = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const collapsed = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 2, 0) };
 * assert.ok(Math.abs(effectiveRank(spread) - 2) < 1e-9);
 * assert.ok(Math.abs(effectiveRank(collapsed) - 1) < 1e-9);
 * ```
 */
export function effectiveRank(
  matrix: EmbeddingMatrix,
  option: CentringOption = {},
): number {
  const values = singularValues(matrix, option);
  const sum = values.reduce((a, b) => a + b, 0);
  if (sum === 0) return 0;
  let entropy = 0;
  for (const value of values) {
    const p = value / sum;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}

/**
 * Participation ratio (sum l)^2 / sum l^2 of the covariance eigenvalues l: how many directions
 * carry the variance. Computed as tr(C)^2 / |C|_F^2. 0 when all rows are equal.
 *
 * @example
 * ```ts
 * import { participationRatio } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * // As much variance along the second axis as along the first.
 * const z = { rows: 4, cols: 2, data: Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1) };
 * assert.equal(participationRatio(z), 2);
 * ```
 */
export function participationRatio(matrix: EmbeddingMatrix): number {
  const gram = smallerGram(withoutColumnMeans(matrix));
  let trace = 0, squares = 0;
  gram.forEach((row, i) => {
    trace += row[i];
    for (const value of row) squares += value * value;
  });
  return squares === 0 ? 0 : trace ** 2 / squares;
}

/**
 * Mean Euclidean norm of the rows.
 *
 * @example
 * ```ts
 * import { meanNorm } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(meanNorm({ rows: 2, cols: 2, data: Float32Array.of(3, 4, 0, 1) }), 3);
 * ```
 */
export function meanNorm(matrix: EmbeddingMatrix): number {
  return rowNorms(checked(matrix)).reduce((a, b) => a + b, 0) / matrix.rows;
}

/**
 * L_cos = 1 - mean cosine of the row pairs (a_i, b_i); each norm is at least 1e-8.
 *
 * @throws {RangeError} when the shapes differ
 *
 * @example
 * ```ts
 * import { cosineLoss } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const x = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const z = { rows: 2, cols: 2, data: Float32Array.of(2, 0, 1, 0) };
 * assert.equal(cosineLoss(x, z), 0.5);
 * ```
 */
export function cosineLoss(a: EmbeddingMatrix, b: EmbeddingMatrix): number {
  checked(a);
  checked(b);
  if (a.rows !== b.rows || a.cols !== b.cols) {
    throw new RangeError(
      `Cannot compare rows: shapes ${a.rows} x ${a.cols} and ${b.rows} x ${b.cols} differ`,
    );
  }
  const normsA = rowNorms(a), normsB = rowNorms(b);
  let sum = 0;
  for (let i = 0; i < a.rows; i++) {
    let dot = 0;
    for (let j = i * a.cols; j < (i + 1) * a.cols; j++) {
      dot += a.data[j] * b.data[j];
    }
    sum += dot /
      (Math.max(normsA[i], MINIMUM_NORM) * Math.max(normsB[i], MINIMUM_NORM));
  }
  return 1 - sum / a.rows;
}

/**
 * The statistics that a run record keeps.
 *
 * @param projected Z = P1(x) of held-out pictures, (tokens, d)
 * @param text the LLM's text embeddings, (vocabulary, d)
 * @param cosineLoss L_cos of the arm's own loss on the same pictures; null where it has none
 *
 * @example
 * ```ts
 * import { embeddingStatistics } from "./embedding_statistics.ts";
 * import assert from "node:assert/strict";
 *
 * const z = { rows: 2, cols: 2, data: Float32Array.of(1, 0, 0, 1) };
 * const text = { rows: 1, cols: 2, data: Float32Array.of(0, 2) };
 * const { tokens, averageCosine, meanNorm, textMeanNorm } = embeddingStatistics(z, text, null);
 * assert.deepEqual([tokens, averageCosine, meanNorm, textMeanNorm], [2, 0, 1, 2]);
 * ```
 */
export function embeddingStatistics(
  projected: EmbeddingMatrix,
  text: EmbeddingMatrix,
  cosineLoss: number | null,
): EmbeddingStatistics {
  return {
    tokens: projected.rows,
    averageCosine: averageCosine(projected),
    effectiveRank: effectiveRank(projected),
    effectiveRankCentred: effectiveRank(projected, { centred: true }),
    participationRatio: participationRatio(projected),
    meanNorm: meanNorm(projected),
    textMeanNorm: meanNorm(text),
    cosineLoss,
  };
}

function checked(matrix: EmbeddingMatrix): EmbeddingMatrix {
  const { rows, cols, data } = matrix;
  if (rows < 1 || cols < 1 || data.length !== rows * cols) {
    throw new RangeError(
      `Cannot read a ${rows} x ${cols} matrix from ${data.length} values`,
    );
  }
  return matrix;
}

function rowNorms({ rows, cols, data }: EmbeddingMatrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = i * cols; j < (i + 1) * cols; j++) sum += data[j] * data[j];
    return Math.sqrt(sum);
  });
}

/** Centring before the Gram matrix, not after: G - n m m^T cancels where all rows share a direction. */
function withoutColumnMeans(matrix: EmbeddingMatrix): EmbeddingMatrix {
  const { rows, cols, data } = checked(matrix);
  const means = new Float64Array(cols);
  for (let i = 0; i < data.length; i++) means[i % cols] += data[i] / rows;
  return {
    rows,
    cols,
    data: Float64Array.from(data, (value, i) => value - means[i % cols]),
  };
}

/** M^T M or M M^T, whichever is smaller; their non-zero eigenvalues agree. */
function smallerGram({ rows, cols, data }: EmbeddingMatrix): Float64Array[] {
  const size = Math.min(rows, cols);
  const gram = Array.from({ length: size }, () => new Float64Array(size));
  if (cols <= rows) {
    for (let i = 0; i < rows; i++) {
      const row = data.subarray(i * cols, (i + 1) * cols);
      for (let a = 0; a < cols; a++) {
        const factor = row[a], target = gram[a];
        for (let b = a; b < cols; b++) target[b] += factor * row[b];
      }
    }
  } else {
    for (let a = 0; a < rows; a++) {
      for (let b = a; b < rows; b++) {
        let dot = 0;
        for (let j = 0; j < cols; j++) {
          dot += data[a * cols + j] * data[b * cols + j];
        }
        gram[a][b] = dot;
      }
    }
  }
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) gram[a][b] = gram[b][a];
  }
  return gram;
}
