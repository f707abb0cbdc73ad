/** What the cases of the self-test work with: operands with known values, and expectations. */
import { randomValues } from "../../testing/random_values.ts";
import type { Tape } from "../../tensor/tape.ts";
import { createArray, writeMatrix } from "../memory.ts";
import { freeTensor, ownTensor, type Tensor } from "../program.ts";

/**
 * Allowed relative error: above what float32 sums in any order and the coarsest exp, log and
 * division of the WGSL specification give, far below what half precision would.
 */
const TOLERANCE = 5e-5;

/** A matrix on the device beside the numbers in it. */
export interface Operand {
  tensor: Tensor;
  values: Float64Array;
}

/** Where a result is read from. */
export type Source =
  /** A matrix, or `columns` = (first, count) of it; asked for when the backward pass is traced. */
  | { tensor: () => Tensor; columns?: [number, number] }
  /** An array from element `first` on. */
  | { array: GPUBuffer; type: "i32" | "f32"; first: number };

/** One output of a kernel and what it must be. */
export interface Expectation {
  kernel: string;
  source: Source;
  expected: ArrayLike<number>;
  tolerance: number;
}

/** Makes operands on the tape's engine and gathers expectations. */
export interface Bench {
  tape: Tape;
  /** Random numbers in [-scale, scale), others at every call. */
  draw(length: number, scale?: number): Float64Array;
  /** A matrix of random numbers in [-scale, scale). */
  random(rows: number, columns: number, scale?: number): Operand;
  /** A matrix with these numbers, rounded to float32. Gradients flow into it. */
  matrix(rows: number, columns: number, values: ArrayLike<number>): Operand;
  ints(values: ArrayLike<number>): GPUBuffer;
  /** An array of zeros. */
  array(length: number): GPUBuffer;
  expect(
    kernel: string,
    source: Source | Tensor,
    expected: ArrayLike<number>,
    tolerance?: number,
  ): void;
  expectations: readonly Expectation[];
  /** Frees operands and arrays. */
  destroy(): void;
}

/** Starts a bench. */
export function createBench(tape: Tape): Bench {
  const { engine } = tape;
  const tensors: Tensor[] = [];
  const buffers: GPUBuffer[] = [];
  const expectations: Expectation[] = [];

  function matrix(rows: number, columns: number, values: ArrayLike<number>): Operand {
    const single = Float32Array.from(values);
    const tensor = ownTensor(engine, `operand ${tensors.length}`, { rows, columns }, true);
    writeMatrix(engine.device, tensor.matrix!, single);
    tensors.push(tensor);
    return { tensor, values: Float64Array.from(single) };
  }

  let seed = 0;
  const draw = (length: number, scale = 1) => randomValues(seed++, length, scale);

  function array(length: number): GPUBuffer {
    const buffer = createArray(engine.device, length, `array ${buffers.length}`);
    buffers.push(buffer);
    return buffer;
  }

  return {
    tape,
    draw,
    random: (rows, columns, scale) => matrix(rows, columns, draw(rows * columns, scale)),
    matrix,
    ints(values) {
      const buffer = array(values.length);
      engine.device.queue.writeBuffer(buffer, 0, Int32Array.from(values));
      return buffer;
    },
    array,
    expect(kernel, source, expected, tolerance = TOLERANCE) {
      const from = "needsGradient" in source ? { tensor: () => source } : source;
      expectations.push({ kernel, source: from, expected, tolerance });
    },
    expectations,
    destroy() {
      for (const tensor of tensors) freeTensor(engine, tensor);
      for (const buffer of buffers) buffer.destroy();
    },
  };
}
