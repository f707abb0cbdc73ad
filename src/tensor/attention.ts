/** Attention with grouped key/value heads: causal, over packed questions, or of all tokens to all. */
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { HeadLayout } from "./heads.ts";
import { producerOf } from "./producer.ts";
import type { Tape } from "./tape.ts";

/**
 * A batch of sequences: a prefix (the image), then blocks (packed questions) of equal length.
 * A plain causal sequence is a prefix without blocks.
 */
export interface SequenceLayout {
  batch: number;
  prefix: number;
  blocks: number;
  block: number;
  /** Whether tokens attend only to what is before them, as when absent; else there are no blocks. */
  causal?: boolean;
}

/** Tokens of one sequence. */
export function sequenceLength({ prefix, blocks, block }: SequenceLayout): number {
  return prefix + blocks * block;
}

/** Position of every token of a sequence: positions restart behind the prefix in each block. */
export function sequencePositions(layout: SequenceLayout): Int32Array {
  return Int32Array.from(
    { length: sequenceLength(layout) },
    (_, s) => s < layout.prefix ? s : layout.prefix + (s - layout.prefix) % layout.block,
  );
}

/** {@linkcode sequencePositions} of every sequence of a batch, one behind the other. */
export function batchPositions(layout: SequenceLayout): Int32Array {
  const one = sequencePositions(layout);
  const all = new Int32Array(layout.batch * one.length);
  for (let b = 0; b < layout.batch; b++) all.set(one, b * one.length);
  return all;
}

/**
 * y = softmax(q k^T / sqrt(headDim), mask) v, query head h reading key/value head
 * floor(h / (heads / kvHeads)) (arXiv 2305.13245).
 *
 * If x is the rotated result of a linear map, the gradient goes straight to before the rotation.
 *
 * @param x (batch * sequence, (heads + 2 kvHeads) headWidth), queries, keys and values side by side
 * @returns (batch * sequence, heads headWidth)
 * @throws {RangeError} If a sequence with blocks is not causal.
 */
export function attention(
  tape: Tape,
  x: Tensor,
  sequence: SequenceLayout,
  layout: HeadLayout,
): Tensor {
  const { heads, kvHeads, headWidth, headDim } = layout;
  const { batch, prefix, blocks, block, causal = true } = sequence;
  if (!causal && blocks > 0) {
    throw new RangeError(`Cannot trace attention of all tokens to all: there are ${blocks} blocks`);
  }
  const length = sequenceLength(sequence);
  const y = tape.tensor("attention", x.rows, heads * headWidth, x.needsGradient);
  const logsumexp = tape.tensor("log2-sum-exp2", x.rows, 4 * heads);
  const scale = 1 / Math.sqrt(headDim);
  const sizes = {
    batch,
    sequence: length,
    prefix,
    block: Math.max(block, 1),
    heads,
    kv_heads: kvHeads,
    scale,
    scale_log2e: scale * Math.LOG2E,
  };
  const constants: Constants = { HEAD4: headWidth / 4, ...(!causal && { FULL: 1 }) };
  const fours = Math.ceil(prefix / 4) + blocks * Math.ceil(block / 4);
  const grid = (
    pairs: number,
  ): [number, number] => [fours, Math.ceil(batch * pairs / tape.engine.plan.lanes)];
  const ofPrefix = causal ? prefix * (prefix + 1) / 2 : prefix ** 2;
  const scores = batch * heads *
    (ofPrefix + blocks * (block * prefix + block * (block + 1) / 2));
  const products = (count: number) => 2 * count * scores * headDim;
  tape.dispatch("attention_forward", {
    matrices: { x, y, logsumexp },
    sizes,
    constants,
    grid: grid(heads),
    flops: products(2),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    const producer = producerOf(x);
    const rotation = producer?.activation.kind === "rotation"
      ? producer.activation.rotation
      : undefined;
    const turned = {
      matrices: rotation && { table: rotation.table },
      arrays: rotation && { positions: rotation.positions },
      constants: { ...constants, ...(rotation && { ROPE: 1 }) },
    };
    tape.accumulate(rotation ? producer!.pre : x, (base) => {
      if (base) throw new RangeError("Cannot trace attention: its input is used twice");
      const dx = tape.tensor("d attention", x.rows, x.columns);
      const rows = tape.tensor("attention rows", x.rows, 4 * heads);
      tape.dispatch("attention_backward_query", {
        matrices: { x, y, dy, logsumexp, dx, rows, ...turned.matrices },
        arrays: turned.arrays,
        sizes,
        constants: turned.constants,
        grid: grid(heads),
        flops: products(3),
      });
      tape.dispatch("attention_backward_key_value", {
        matrices: { x, dy, rows, dx, ...turned.matrices },
        arrays: turned.arrays,
        sizes,
        constants: turned.constants,
        grid: grid(kvHeads),
        flops: products(4),
      });
      return dx;
    });
  });
  return y;
}
