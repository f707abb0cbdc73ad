/** What every side of the comparison offers, ours and the peers' alike. */
import type { StepTask } from "./step_task.ts";

/** One kernel at one shape with its inputs, the same float32 values for every side. */
export type Task =
  /** C = A B: a (rows, inner), b (inner, columns), row-major. */
  | {
    kernel: "matmul";
    rows: number;
    inner: number;
    columns: number;
    a: Float32Array<ArrayBuffer>;
    b: Float32Array<ArrayBuffer>;
  }
  /** mean over rows of 1 - cos(x, y), without or with its gradients to both sides. */
  | {
    kernel: "cosine-loss-forward" | "cosine-loss";
    rows: number;
    columns: number;
    x: Float32Array<ArrayBuffer>;
    y: Float32Array<ArrayBuffer>;
  }
  /** Whole training steps from the same first weights on the same batch. */
  | { kernel: "training-step"; step: StepTask };

/**
 * Results by name: `c` of a product; `loss`, with gradients also `dx` and `dy`, of the cosine loss;
 * `tokenLoss` and `cosineLoss` of the first steps of a training.
 */
export type Result = Record<string, ArrayLike<number>>;

/** A task that a side has made ready: inputs where it likes them, kernels compiled at first use. */
export interface Subject {
  /** Runs once (a training: its first steps) and downloads the result. Called once, before {@linkcode time}. */
  result(): Promise<Result>;
  /** Milliseconds from the first of `times` calls until the last result is complete, not downloaded. */
  time(times: number): Promise<number>;
  /** Frees what the task holds. */
  dispose(): void | Promise<void>;
}

/** A library, open. */
export interface Peer {
  /** The GPU it computes on. */
  device?: GPUDevice;
  /** Version, and what decides its speed, such as its number of threads. */
  version: string;
  /**
   * Makes a task ready.
   *
   * @throws {Error} If the library cannot do it.
   */
  prepare(task: Task): Promise<Subject>;
  close(): void | Promise<void>;
}

/** Steps of a training whose losses are compared. */
export const COMPARED_STEPS = 3;

/**
 * Listens to a GPU: a library that submits what is not valid would compute nothing, very fast.
 *
 * @returns what ends the listening, and throws the first error that the GPU reported until then
 */
export function watchGpu(device: GPUDevice | undefined): () => void {
  let message: string | undefined;
  const hear = (event: Event) => {
    message ??= (event as GPUUncapturedErrorEvent).error.message;
    event.preventDefault();
  };
  device?.addEventListener("uncapturederror", hear);
  return () => {
    device?.removeEventListener("uncapturederror", hear);
    if (message !== undefined) throw new Error(`its GPU reported an error: ${message}`);
  };
}

/** Milliseconds of `times` calls of `run` and of the wait for all they started. */
export async function timed(
  times: number,
  run: () => unknown,
  wait: () => unknown = () => {},
): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    const pending = run();
    if (pending instanceof Promise) await pending;
  }
  await wait();
  return performance.now() - start;
}
