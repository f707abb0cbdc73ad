/**
 * Linear equations with a symmetric positive definite matrix and many right-hand sides, by Cholesky's
 * decomposition A = L L^T. Row by row, so that memory is read in order: at width 2048 a library that
 * goes through accessors takes minutes.
 */

/**
 * Solves A W = B.
 *
 * @param matrix A, (size, size); only its lower triangle is read
 * @param right B, (size, cols)
 * @returns W, (size, cols)
 * @throws {RangeError} when the matrix is not positive definite up to rounding; NaN gives NaN
 */
export function solvePositive(
  matrix: Float64Array,
  size: number,
  right: Float64Array,
  cols: number,
): Float64Array {
  const lower = cholesky(matrix, size);
  const rows = Array.from({ length: size }, (_, i) => right.slice(i * cols, (i + 1) * cols));
  // L Y = B from the top, L^T W = Y from the bottom.
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) subtractRow(rows[i], rows[k], lower[i][k]);
    divideRow(rows[i], lower[i][i]);
  }
  for (let i = size - 1; i >= 0; i--) {
    divideRow(rows[i], lower[i][i]);
    for (let k = 0; k < i; k++) subtractRow(rows[k], rows[i], lower[i][k]);
  }
  const solution = new Float64Array(size * cols);
  rows.forEach((row, i) => solution.set(row, i * cols));
  return solution;
}

/** The rows of L, up to the diagonal. */
function cholesky(matrix: Float64Array, size: number): Float64Array[] {
  const lower: Float64Array[] = [];
  for (let i = 0; i < size; i++) {
    const row = matrix.slice(i * size, i * size + i + 1);
    lower.push(row);
    for (let j = 0; j <= i; j++) {
      const other = lower[j];
      let rest = row[j];
      for (let k = 0; k < j; k++) rest -= row[k] * other[k];
      if (j < i) {
        row[j] = rest / other[j];
      } else if (rest <= 0) {
        throw new RangeError(`Cannot solve: the matrix is not positive definite in row ${i}`);
      } else {
        row[i] = Math.sqrt(rest);
      }
    }
  }
  return lower;
}

function subtractRow(row: Float64Array, other: Float64Array, factor: number): void {
  for (let j = 0; j < row.length; j++) row[j] -= factor * other[j];
}

function divideRow(row: Float64Array, divisor: number): void {
  for (let j = 0; j < row.length; j++) row[j] /= divisor;
}
