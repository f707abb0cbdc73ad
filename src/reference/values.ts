/**
 * The CPU reference: every operation in float64 with plain loops, backward beside forward. For
 * tests only: it is written to be read, and shares no code with the kernels it checks.
 *
 * Tensors are flat and row-major. `gradY` is the gradient of a scalar by an operation's output y.
 */

/** Numbers of a tensor that is only read. */
export type Values = ArrayLike<number>;

/** The dot product. */
export function dot(a: Values, b: Values): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a + b, element by element. */
export function add(a: Values, b: Values): Float64Array {
  return Float64Array.from(a, (value, i) => value + b[i]);
}

/** factor * a. */
export function scale(a: Values, factor: number): Float64Array {
  return Float64Array.from(a, (value) => factor * value);
}

/** Row `index` of a matrix with `width` columns. */
export function row(
  matrix: Values,
  index: number,
  width: number,
): Float64Array {
  return Float64Array.from(
    { length: width },
    (_, j) => matrix[index * width + j],
  );
}
