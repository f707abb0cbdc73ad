/** LayerNorm: Ba, Kiros and Hinton, arXiv 1607.06450, variance with 1/width. */
import { row, type Values } from "./values.ts";

/** y = (x - mean) / sqrt(var + eps) weight + bias, row by row: x (rows, width). */
export function layerNorm(
  x: Values,
  weight: Values,
  bias: Values,
  eps: number,
): Float64Array {
  const width = weight.length;
  const y = new Float64Array(x.length);
  for (let r = 0; r < x.length / width; r++) {
    const { unit } = normalise(row(x, r, width), eps);
    for (let j = 0; j < width; j++) {
      y[r * width + j] = unit[j] * weight[j] + bias[j];
    }
  }
  return y;
}

/** Gradients of {@linkcode layerNorm}. */
export function layerNormBackward(
  x: Values,
  weight: Values,
  gradY: Values,
  eps: number,
): { gradX: Float64Array; gradWeight: Float64Array; gradBias: Float64Array } {
  const width = weight.length;
  const gradX = new Float64Array(x.length);
  const gradWeight = new Float64Array(width);
  const gradBias = new Float64Array(width);
  for (let r = 0; r < x.length / width; r++) {
    const { unit, inverse } = normalise(row(x, r, width), eps);
    const gradUnit = row(gradY, r, width).map((g, j) => g * weight[j]);
    const mean = average(gradUnit);
    const along = average(gradUnit.map((g, j) => g * unit[j]));
    for (let j = 0; j < width; j++) {
      gradX[r * width + j] = inverse * (gradUnit[j] - mean - unit[j] * along);
      gradWeight[j] += gradY[r * width + j] * unit[j];
      gradBias[j] += gradY[r * width + j];
    }
  }
  return { gradX, gradWeight, gradBias };
}

/** The row with mean 0 and variance 1 (less for eps), and what it was multiplied with. */
function normalise(
  values: Float64Array,
  eps: number,
): { unit: Float64Array; inverse: number } {
  const mean = average(values);
  const centred = values.map((value) => value - mean);
  const inverse = 1 /
    Math.sqrt(average(centred.map((value) => value * value)) + eps);
  return { unit: centred.map((value) => value * inverse), inverse };
}

function average(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
