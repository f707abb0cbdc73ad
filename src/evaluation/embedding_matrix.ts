/**
 * Embeddings as rows of a matrix, and what every statistic of them needs: norms, means, centring.
 *
 * All arithmetic is float64, whatever the input: near a collapse the small singular values are far
 * below the float32 rounding of the large ones, and a float32 effective rank is wrong there.
 */

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
export const MINIMUM_NORM = 1e-8;

/**
 * The matrix itself.
 *
 * @throws {RangeError} when it is empty or its data do not fill it
 */
export function checked(matrix: EmbeddingMatrix): EmbeddingMatrix {
  const { rows, cols, data } = matrix;
  if (rows < 1 || cols < 1 || data.length !== rows * cols) {
    throw new RangeError(
      `Cannot read a ${rows} x ${cols} matrix from ${data.length} values`,
    );
  }
  return matrix;
}

/**
 * The matrix, for statistics of pairs of rows.
 *
 * @param what name of the statistic, for the message
 * @throws {RangeError} with fewer than 2 rows
 */
export function atLeastTwoRows(matrix: EmbeddingMatrix, what: string): EmbeddingMatrix {
  if (checked(matrix).rows < 2) {
    throw new RangeError(`Cannot compute the ${what}: it needs 2 rows, got ${matrix.rows}`);
  }
  return matrix;
}

/**
 * Refuses matrices whose rows do not belong together.
 *
 * @throws {RangeError} when the numbers of rows differ
 */
export function checkPairedRows(a: EmbeddingMatrix, b: EmbeddingMatrix): void {
  checked(a);
  checked(b);
  if (a.rows !== b.rows) {
    throw new RangeError(`Cannot compare rows: there are ${a.rows} and ${b.rows}`);
  }
}

/**
 * Refuses matrices whose rows cannot be subtracted.
 *
 * @throws {RangeError} when the widths differ
 */
export function checkEqualWidths(a: EmbeddingMatrix, b: EmbeddingMatrix): void {
  checked(a);
  checked(b);
  if (a.cols !== b.cols) {
    throw new RangeError(`Cannot compare embeddings: widths ${a.cols} and ${b.cols} differ`);
  }
}

/** Euclidean norms of the rows. */
export function rowNorms({ rows, cols, data }: EmbeddingMatrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = i * cols; j < (i + 1) * cols; j++) sum += data[j] * data[j];
    return Math.sqrt(sum);
  });
}

/** Factors that make the rows unit rows; a zero row stays zero. */
export function unitScales(matrix: EmbeddingMatrix): Float64Array {
  return rowNorms(matrix).map((norm) => 1 / Math.max(norm, MINIMUM_NORM));
}

/** Means of the columns, of the rows from `from` to before `to`. */
export function columnMeans(
  { rows, cols, data }: EmbeddingMatrix,
  from = 0,
  to = rows,
): Float64Array {
  const sums = new Float64Array(cols);
  for (let i = from; i < to; i++) {
    for (let j = 0; j < cols; j++) sums[j] += data[i * cols + j];
  }
  return sums.map((sum) => sum / (to - from));
}

/** Mean of the unit rows: its norm is 1 where all point the same way. */
export function meanUnitRow(matrix: EmbeddingMatrix): Float64Array {
  const { rows, cols, data } = checked(matrix);
  const scales = unitScales(matrix), sum = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) sum[j] += data[i * cols + j] * scales[i];
  }
  return sum.map((value) => value / rows);
}

/** Sum of squares. */
export function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}

/** Rows of a matrix, in the order in which they are named. */
export function pickRows(matrix: EmbeddingMatrix, rows: readonly number[]): EmbeddingMatrix {
  const { cols, data } = matrix;
  const picked = new Float64Array(rows.length * cols);
  rows.forEach((row, i) => picked.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { rows: rows.length, cols, data: picked };
}
