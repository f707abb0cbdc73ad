/**
 * Low-rank adaptation (arXiv 2106.09685): y = x W^T + (alpha / r) dropout(x) A^T B^T, where A is
 * random and B zero at the start.
 */
import type { Tensor } from "../gpu/tensor.ts";
import { type Dropout, dropout } from "../tensor/dropout.ts";
import { multiply } from "../tensor/elementwise.ts";
import { linear } from "../tensor/linear.ts";
import type { Tape } from "../tensor/tape.ts";

/** Projections of a decoder layer that an adapter can change. */
export const LORA_TARGETS = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;

/** A projection by its name in checkpoints. */
export type LoraTarget = typeof LORA_TARGETS[number];

/** Settings of the adapters. */
export interface LoraConfig {
  /** r: rows of A, columns of B. */
  rank: number;
  /** The product is multiplied by alpha / rank. */
  alpha: number;
  /** Share of the inputs that become zero while training. */
  dropout: number;
  /** Projections that are adapted. */
  targets: readonly LoraTarget[];
}

/** The paper's and the study's projections, rank 4, factor 8, no dropout. */
export const DEFAULT_LORA: LoraConfig = {
  rank: 4,
  alpha: 32,
  dropout: 0,
  targets: ["q_proj", "v_proj"],
};

/**
 * Checks the settings.
 *
 * @throws {RangeError} If one is out of range, or a target is unknown, missing or named twice.
 */
export function checkLoraConfig({ rank, alpha, dropout, targets }: LoraConfig): void {
  const refuse = (what: string) => {
    throw new RangeError(`Cannot make LoRA adapters: ${what}`);
  };
  if (!Number.isInteger(rank) || rank < 1) refuse(`rank ${rank} is no whole number above 0`);
  if (!Number.isFinite(alpha)) refuse(`alpha is ${alpha}`);
  if (!(dropout >= 0 && dropout < 1)) refuse(`dropout ${dropout} is not in [0, 1)`);
  if (targets.length === 0) refuse("no projection is named");
  for (const target of targets) {
    if (!LORA_TARGETS.includes(target)) {
      refuse(`"${target}" is none of ${LORA_TARGETS.join(", ")}`);
    }
  }
  if (new Set(targets).size < targets.length) refuse(`a projection is named twice: ${targets}`);
}

/**
 * The adapters of one kernel matrix W (out, in), which may hold several projections: their A lie
 * below each other, their B side by side, each in the rows of its own projection.
 */
export interface Adapter {
  /** (projections * r, in). */
  a: Tensor;
  /** (out, projections * r). */
  b: Tensor;
  /** As B: alpha / r in the rows and columns of one projection, 0 elsewhere. */
  factors: Tensor;
}

/**
 * What the adapters add to x W^T: dropout(x) A^T (factors B)^T.
 *
 * Outside the blocks of the projections B gets no gradient, so what is zero there stays zero.
 * Projections of one kernel matrix see the same dropout mask; PEFT draws one for each.
 *
 * @param x (rows, in)
 * @returns (rows, out)
 */
export function loraDelta(tape: Tape, x: Tensor, { a, b, factors }: Adapter, at: Dropout): Tensor {
  const z = linear(tape, dropout(tape, x, at), a, { name: "lora A" });
  return linear(tape, z, multiply(tape, b, factors), { name: "lora B" });
}
