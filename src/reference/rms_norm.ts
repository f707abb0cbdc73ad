/** RMSNorm: Zhang and Sennrich, arXiv 1910.07467, with eps inside the root. */
import { row, type Values } from "./values.ts";

/** y = x / sqrt(mean(x^2) + eps) weight, row by row: x (rows, width), weight (width). */
export function rmsNorm(x: Values, weight: Values, eps: number): Float64Array {
  const width = weight.length;
  const y = new Float64Array(x.length);
  for (let r = 0; r < x.length / width; r++) {
    const inverse = inverseRms(row(x, r, width), eps);
    for (let j = 0; j < width; j++) {
      y[r * width + j] = x[r * width + j] * inverse * weight[j];
    }
  }
  return y;
}

/** Gradients of {@linkcode rmsNorm}. */
export function rmsNormBackward(
  x: Values,
  weight: Values,
  gradY: Values,
  eps: number,
): { gradX: Float64Array; gradWeight: Float64Array } {
  const width = weight.length;
  const gradX = new Float64Array(x.length);
  const gradWeight = new Float64Array(width);
  for (let r = 0; r < x.length / width; r++) {
    const values = row(x, r, width);
    const inverse = inverseRms(values, eps);
    const gradUnit = row(gradY, r, width).map((g, j) => g * weight[j]);
    let along = 0;
    for (let j = 0; j < width; j++) along += gradUnit[j] * values[j];
    for (let j = 0; j < width; j++) {
      gradX[r * width + j] = inverse * gradUnit[j] -
        inverse ** 3 * values[j] * along / width;
      gradWeight[j] += gradY[r * width + j] * values[j] * inverse;
    }
  }
  return { gradX, gradWeight };
}

function inverseRms(values: Float64Array, eps: number): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return 1 / Math.sqrt(squares / values.length + eps);
}
