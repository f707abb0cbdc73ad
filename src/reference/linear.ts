import { matmul, matmulBackward, type MatmulSize } from "./matmul.ts";
import type { Values } from "./values.ts";

/** y = x W^T + bias: x (rows, inputs), W (outputs, inputs), bias (outputs) or none. */
export function linear(
  x: Values,
  weight: Values,
  bias: Values | null,
  inputs: number,
): Float64Array {
  const size = sizeOf(x, weight, inputs);
  const y = matmul("NT", x, weight, size);
  return bias === null ? y : y.map((value, i) => value + bias[i % size.n]);
}

/** Gradients of {@linkcode linear}; the bias gradient is the column sum of gradY. */
export function linearBackward(
  x: Values,
  weight: Values,
  gradY: Values,
  inputs: number,
): { gradX: Float64Array; gradWeight: Float64Array; gradBias: Float64Array } {
  const size = sizeOf(x, weight, inputs);
  const { gradA, gradB } = matmulBackward("NT", x, weight, gradY, size);
  const gradBias = new Float64Array(size.n);
  for (let i = 0; i < gradY.length; i++) gradBias[i % size.n] += gradY[i];
  return { gradX: gradA, gradWeight: gradB, gradBias };
}

function sizeOf(x: Values, weight: Values, inputs: number): MatmulSize {
  return { m: x.length / inputs, k: inputs, n: weight.length / inputs };
}
