/**
 * The comparison: each kernel and shape, beside each peer that takes part in it.
 *
 * How a result counts as done. Every side is timed from the first call until the last result is
 * complete, inputs being where it likes them, results not downloaded. Sides on a GPU record and
 * submit as many runs as a sample needs and then wait once for the queue: in Deno a wait costs about
 * 11 ms whoever waits, so a sample lasts at least 0.3 s (a slow peer runs once) and the wait is a
 * small part of it. On the CPU a call returns with its result. Children time themselves around the
 * runs alone. Each subject's own file says how it waits.
 *
 * Before it is timed each side computes every result once, which is also its warm-up. A result that
 * differs from the reference by more than the tolerance is a failure, not a ratio; if it is ours,
 * the comparison ends.
 */
import { randomValues } from "../../src/reference/random_values.ts";
import { alternate, type Side } from "./alternate.ts";
import { type KernelName, KERNELS, type PeerName, sizesOf } from "./kernels.ts";
import type { ChildPeer } from "./line_child.ts";
import type { Ours } from "./ours.ts";
import type { ComparedSide, Comparison, Failure } from "./record.ts";
import {
  computeReference,
  type Reference,
  referenceOf,
  relativeError,
  TOLERANCE,
} from "./reference.ts";
import { pairedRatio } from "./statistics.ts";
import { createStepTask } from "./step_task.ts";
import { type Peer, type Result, type Subject, type Task, watchGpu } from "./subject.ts";

/** What is compared. */
export interface Selection {
  kernels: readonly KernelName[];
  peers: readonly PeerName[];
  alternations: number;
}

/** Peers by name, each opened at first use; a second call gives the same peer or the same error. */
export interface OpenPeers {
  open(name: PeerName): Promise<Peer>;
  /** PyTorch for reference values; null where there is none. */
  reference(): Promise<ChildPeer | null>;
}

/** What is told as the comparison goes on. */
export interface CompareHooks {
  onRatio(comparison: Comparison): void | Promise<void>;
  onFailure(failure: Failure): void | Promise<void>;
}

/**
 * Runs the comparison.
 *
 * @throws {Error} If a result of ours is wrong
 */
export async function compare(
  ours: Ours,
  peers: OpenPeers,
  { kernels, peers: selected, alternations }: Selection,
  { onRatio, onFailure }: CompareHooks,
): Promise<void> {
  for (const { name: kernel, shapes, peers: takingPart } of KERNELS) {
    const names = takingPart.filter((peer) => selected.includes(peer));
    if (!kernels.includes(kernel) || names.length === 0) continue;
    for (const shape of shapes) {
      const task = await createTask(ours, kernel, shape);
      const subject = await ours.prepare(task);
      const result = await subject.result();
      const reference = await referenceFor(task, peers);
      const error = reference && relativeError(result, reference);
      if (error !== null && !(error <= TOLERANCE)) {
        throw new Error(`Our ${kernel} at ${shape} is wrong: its relative error is ${error}`);
      }
      const checked = { subject, result, error, reference: reference ?? referenceOf(result) };
      for (const peer of names) {
        try {
          const comparison = await comparePeer(task, checked, await peers.open(peer), alternations);
          await onRatio({ kernel, shape, peer, ...comparison });
        } catch (error) {
          await onFailure({ kernel, shape, peer, error: oneLine(error) });
        }
      }
      await subject.dispose();
    }
  }
}

/** Our side of a task, its result found right. */
interface Checked {
  subject: Subject;
  result: Result;
  error: number | null;
  reference: Reference;
}

/** @throws {Error} If the peer cannot do it or its result is wrong */
async function comparePeer(
  task: Task,
  ours: Checked,
  peer: Peer,
  alternations: number,
): Promise<Omit<Comparison, "kernel" | "shape" | "peer">> {
  const checkGpu = watchGpu(peer.device);
  const theirs = await peer.prepare(task);
  try {
    const result = await theirs.result();
    const error = relativeError(result, ours.reference);
    if (!(error <= TOLERANCE)) {
      throw new Error(`its result is wrong: the relative error is ${error.toPrecision(2)}`);
    }
    const sides = await alternate(ours.subject, theirs, alternations);
    checkGpu();
    const { median, ...interval } = pairedRatio(sides.ours.samples, sides.theirs.samples);
    return {
      ratio: median,
      ...interval,
      alternations: sides.ours.samples.length,
      ours: describeSide(task, sides.ours, ours.error, ours.result),
      theirs: describeSide(task, sides.theirs, error, result),
    };
  } finally {
    await theirs.dispose();
  }
}

async function createTask(
  ours: Ours,
  kernel: KernelName,
  shape: string,
): Promise<Task> {
  const sizes = sizesOf(shape);
  const values = (seed: number, rows: number, columns: number) =>
    Float32Array.from(randomValues(seed, rows * columns));
  switch (kernel) {
    case "matmul": {
      const [rows, inner, columns] = sizes;
      const a = values(1, rows, inner), b = values(2, inner, columns);
      return { kernel, rows, inner, columns, a, b };
    }
    case "cosine-loss-forward":
    case "cosine-loss": {
      const [rows, columns] = sizes;
      return {
        kernel,
        rows,
        columns,
        x: values(1, rows, columns),
        y: values(2, rows, columns),
      };
    }
    case "training-step":
      return { kernel, step: await createStepTask(ours.engine, sizes[0]) };
  }
}

/** Expected values of a task; null for a training where there is no PyTorch. */
async function referenceFor(
  task: Task,
  peers: OpenPeers,
): Promise<Reference | null> {
  if (task.kernel !== "training-step") return computeReference(task);
  const pytorch = await peers.reference();
  if (!pytorch) return null;
  const subject: Subject = await pytorch.prepare(task, "float64");
  const result = await subject.result();
  await subject.dispose();
  return referenceOf(result);
}

function describeSide(
  task: Task,
  side: Side,
  error: number | null,
  { tokenLoss, cosineLoss }: Result,
): ComparedSide {
  switch (task.kernel) {
    case "matmul": {
      const { rows, inner, columns } = task;
      return {
        ...side,
        error,
        gflops: 2 * rows * inner * columns / side.milliseconds / 1e6,
      };
    }
    case "training-step": {
      const losses = {
        tokenLoss: Array.from(tokenLoss),
        cosineLoss: Array.from(cosineLoss),
      };
      return { ...side, error, losses };
    }
    default:
      return { ...side, error };
  }
}

/** An error in one line. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n")[0];
}
