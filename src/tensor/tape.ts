/**
 * The tape: operations write their dispatches on it and leave behind how gradients flow back.
 *
 * Tracing runs once. What comes out is a list of commands for `compileProgram`, forward pass first,
 * then the backward pass that `backward()` writes in reverse order of the operations.
 */
import type { Command } from "../gpu/command.ts";
import type { Engine } from "../gpu/engine.ts";
import { width4 } from "../gpu/memory.ts";
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";

/** What an operation asks of a dispatch. */
export interface DispatchOptions {
  matrices: Record<string, Tensor>;
  arrays?: Record<string, GPUBuffer>;
  sizes: Record<string, number>;
  constants?: Constants;
  /** Workgroups. */
  grid: [number, number];
  flops?: number;
}

/** A program while it is being traced. */
export interface Tape {
  engine: Engine;
  commands: Command[];
  /** A new tensor whose memory the planner gives. */
  tensor(name: string, rows: number, columns: number, needsGradient?: boolean): Tensor;
  dispatch(kernel: string, options: DispatchOptions): void;
  /** Leaves what to do when the gradients of an operation's results are known. */
  onBackward(step: () => void): void;
  /** The gradient gathered so far. */
  gradientOf(tensor: Tensor): Tensor | undefined;
  /**
   * Adds to a tensor's gradient. `make` gets what has been gathered so far, to add to it in the same
   * kernel, and returns the sum. Does nothing for a tensor that needs no gradient.
   */
  accumulate(tensor: Tensor, make: (base: Tensor | undefined) => Tensor): void;
  /** Writes the backward pass. Operations whose results have no gradient write nothing. */
  backward(): void;
}

/** Starts a tape. */
export function createTape(engine: Engine): Tape {
  const commands: Command[] = [];
  const steps: (() => void)[] = [];
  const gradients = new Map<Tensor, Tensor>();
  return {
    engine,
    commands,
    tensor: (name, rows, columns, needsGradient = false) => ({
      name,
      rows,
      columns,
      width4: width4(columns),
      needsGradient,
    }),
    dispatch(kernel, { matrices, arrays = {}, sizes, constants = {}, grid, flops = 0 }) {
      commands.push({ kernel, constants, matrices, arrays, sizes, grid, flops });
    },
    onBackward(step) {
      steps.push(step);
    },
    gradientOf: (tensor) => gradients.get(tensor),
    accumulate(tensor, make) {
      if (tensor.needsGradient) gradients.set(tensor, make(gradients.get(tensor)));
    },
    backward() {
      while (steps.length > 0) steps.pop()!();
    },
  };
}

/**
 * Keeps a traced tensor's memory from being handed on, so that it can be read after its program ran
 * and by the programs compiled after it. Free it with `freeTensor`.
 */
export function keep(tensor: Tensor): Tensor {
  tensor.kept = true;
  return tensor;
}

/** Workgroups of a kernel whose invocations own one row each. */
export function rowGrid(tape: Tape, rows: number): [number, number] {
  return [Math.ceil(rows / tape.engine.plan.lanes), 1];
}

/** Workgroups of a kernel over chunks of rows and, across, groups of four columns. */
export function columnGrid(tape: Tape, chunks: number, columns4: number): [number, number] {
  return [chunks, Math.ceil(columns4 / tape.engine.plan.lanes)];
}
