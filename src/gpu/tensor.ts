/** Tensors: the matrices that programs read and write, and those with memory of their own. */
import type { Engine } from "./engine.ts";
import {
  bandOf,
  createMatrix,
  destroyMatrix,
  type DeviceMatrix,
  type Shape,
  width4,
} from "./memory.ts";

/** A matrix of a program: either it has memory of its own or the planner gives it some. */
export interface Tensor extends Shape {
  name: string;
  width4: number;
  /** Memory of its own: parameters, inputs, what is read back. */
  matrix?: DeviceMatrix;
  /** Whether the planner gives it memory of its own, which outlives its program. */
  kept?: boolean;
  /** Whether gradients flow into it. */
  needsGradient: boolean;
  /** In place of `matrix` where no matrix of the device holds it: its rows, see `bands.ts`. */
  bands?: Tensor[];
}

/**
 * A matrix that kernels change in place, zero at the start. It is a storage buffer on every adapter:
 * WebGPU allows no texture of four float32 channels to be read and written in one dispatch.
 */
export function stateTensor(engine: Engine, name: string, shape: Shape): Tensor {
  const matrix = createMatrix(engine.device, "buffer", shape, name);
  engine.memory.bytes += matrix.bytes;
  const { rows, columns } = shape;
  return { name, rows, columns, width4: width4(columns), matrix, needsGradient: false };
}

/** A tensor with memory of its own, zero at the start. */
export function ownTensor(
  engine: Engine,
  name: string,
  shape: Shape,
  needsGradient = false,
): Tensor {
  const matrix = createMatrix(engine.device, engine.plan.form, shape, name);
  engine.memory.bytes += matrix.bytes;
  return { ...shape, name, width4: width4(shape.columns), matrix, needsGradient };
}

/** Rows of a tensor that has memory of its own, as a tensor. */
export function bandTensor(
  { columns, width4, matrix, needsGradient }: Tensor,
  name: string,
  firstRow: number,
  rows: number,
): Tensor {
  const band = bandOf(matrix!, firstRow, rows);
  return { name, rows, columns, width4, matrix: band, needsGradient };
}

/** Frees the memory of a tensor that has its own; of bands of one tensor, all or none. */
export function freeTensor(engine: Engine, tensor: Tensor): void {
  for (const band of tensor.bands ?? []) freeTensor(engine, band);
  if (!tensor.matrix) return;
  destroyMatrix(tensor.matrix);
  engine.memory.bytes -= tensor.matrix.bytes;
  tensor.matrix = undefined;
}
