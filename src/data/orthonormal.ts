/** Random matrices with orthonormal columns. */
import type { RandomStream } from "./random.ts";

/**
 * A random (rows, columns) matrix with orthonormal columns, row-major: Gram and Schmidt on normal
 * draws, twice over, in float64.
 *
 * @throws {RangeError} If there are more columns than rows.
 */
export function orthonormalColumns(
  rows: number,
  columns: number,
  { normal }: RandomStream,
): Float64Array {
  if (columns > rows) {
    throw new RangeError(
      `Cannot draw orthonormal columns: ${columns} columns of ${rows} rows depend on each other`,
    );
  }
  const basis: Float64Array[] = [];
  for (let column = 0; column < columns; column++) {
    const vector = Float64Array.from({ length: rows }, normal);
    // The second pass removes what rounding left of the first.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        const overlap = dot(vector, other);
        for (let row = 0; row < rows; row++) {
          vector[row] -= overlap * other[row];
        }
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    basis.push(vector.map((value) => value / norm));
  }
  const matrix = new Float64Array(rows * columns);
  basis.forEach((vector, column) =>
    vector.forEach((value, row) => matrix[row * columns + column] = value)
  );
  return matrix;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
