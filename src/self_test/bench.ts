/** What a case of the self-test works with: operands with known values, and expectations. */
import { createArray } from "../gpu/memory.ts";
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { randomValues } from "../reference/random_values.ts";
import type { Tape } from "../tensor/tape.ts";

/**
 * Allowed relative error: above what float32 sums in any order and the coarsest exp, log and
 * division of the WGSL specification give, far below what half precision would.
 */
const TOLERANCE = 5e-5;

/** A matrix beside the numbers in it. */
export interface Operand {
  tensor: Tensor;
  values: Float64Array;
}

/** What is compared: all of a matrix or array, unless something else is said. */
export interface Part {
  /** First column and number of columns of a matrix. */
  columns?: [number, number];
  /** First element of an array. */
  first?: number;
  /** Quantities that take turns, each with a scale of its own; 1 when absent. */
  quantities?: number;
  /** Largest relative error that passes. */
  tolerance?: number;
}

/** One result of a kernel and what it must be. */
export interface Expectation extends Part {
  kernel: string;
  target: Tensor | GPUBuffer;
  expected: ArrayLike<number>;
  tolerance: number;
}

/**
 * Makes operands on the tape and gathers what is known of them. Nothing is allocated: where the
 * operands live is for {@linkcode isolate} to say.
 */
export interface Bench {
  tape: Tape;
  /** Constants of the kernel variant that is checked. */
  constants: Constants;
  /** Random numbers in [-scale, scale), others at every call. */
  draw(length: number, scale?: number): Float64Array;
  /** A matrix of random numbers in [-scale, scale). */
  random(rows: number, columns: number, scale?: number): Operand;
  /** A matrix with these numbers, rounded to float32. Gradients flow into it. */
  matrix(rows: number, columns: number, values: ArrayLike<number>): Operand;
  /** What a variant with ADD adds its result to. */
  addend(rows: number, columns: number): Operand | undefined;
  ints(values: ArrayLike<number>): GPUBuffer;
  /** An array that kernels write. */
  array(length: number): GPUBuffer;
  /** Says what a matrix holds before the kernel that is checked. */
  give(tensor: Tensor, values: ArrayLike<number>): void;
  /** Says what a kernel must leave; a kernel behind it finds just that. */
  expect(
    kernel: string,
    target: Tensor | GPUBuffer,
    expected: ArrayLike<number>,
    part?: Part,
  ): void;
  /** Runs the backward pass from a gradient of `y`. */
  backward(y: Tensor, dy: Tensor): void;
  /** Commands of a kernel, as traced so far. */
  commands(kernel: string): Tape["commands"];
  expectations: readonly Expectation[];
  /** What was said of a matrix or array. */
  given(target: Tensor | GPUBuffer): ArrayLike<number> | undefined;
  /** That, or what a kernel must have left there. */
  known(target: Tensor | GPUBuffer): ArrayLike<number> | undefined;
}

/** What a case does: traces operations that lead to the variant, and says what is known of them. */
export type Case = (bench: Bench) => void;

/** Starts a bench. */
export function createBench(tape: Tape, constants: Constants): Bench {
  const given = new Map<Tensor | GPUBuffer, ArrayLike<number>>();
  const expectations: Expectation[] = [];
  let seed = 0;
  const draw = (length: number, scale = 1) => randomValues(seed++, length, scale);
  const array = (length: number) => createArray(tape.engine.device, length);
  function matrix(rows: number, columns: number, values: ArrayLike<number>): Operand {
    const tensor = tape.tensor(`operand ${given.size}`, rows, columns, true);
    const single = Float64Array.from(Float32Array.from(values));
    given.set(tensor, single);
    return { tensor, values: single };
  }
  const random = (rows: number, columns: number, scale?: number) =>
    matrix(rows, columns, draw(rows * columns, scale));
  return {
    tape,
    constants,
    draw,
    random,
    matrix,
    addend: (rows, columns) => constants.ADD ? random(rows, columns) : undefined,
    ints(values) {
      const buffer = array(values.length);
      given.set(buffer, values);
      return buffer;
    },
    array,
    give: (tensor, values) => given.set(tensor, values),
    expect(kernel, target, expected, part = {}) {
      expectations.push({ kernel, target, expected, tolerance: TOLERANCE, ...part });
    },
    backward(y, dy) {
      tape.accumulate(y, () => dy);
      tape.backward();
    },
    commands: (kernel) => tape.commands.filter((command) => command.kernel === kernel),
    expectations,
    given: (target) => given.get(target),
    known: (target) =>
      given.get(target) ??
        expectations.find((expectation) =>
          expectation.target === target && !expectation.columns && !expectation.first
        )?.expected,
  };
}
