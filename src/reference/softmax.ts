import { dot, row, type Values } from "./values.ts";

/** softmax over each row of x (rows, width); -Infinity gives 0. */
export function softmax(x: Values, width: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let r = 0; r < x.length / width; r++) {
    const values = row(x, r, width);
    const shift = logsumexp(values);
    y.set(values.map((value) => Math.exp(value - shift)), r * width);
  }
  return y;
}

/** Gradient of {@linkcode softmax} from its output y. */
export function softmaxBackward(
  y: Values,
  gradY: Values,
  width: number,
): Float64Array {
  const gradX = new Float64Array(y.length);
  for (let r = 0; r < y.length / width; r++) {
    const along = dot(row(y, r, width), row(gradY, r, width));
    for (let j = r * width; j < (r + 1) * width; j++) {
      gradX[j] = y[j] * (gradY[j] - along);
    }
  }
  return gradX;
}

/** ln of the sum of exp, safe for large values. */
export function logsumexp(values: Float64Array): number {
  let largest = -Infinity;
  for (const value of values) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}
