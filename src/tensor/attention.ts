/** Rotary embedding and causal attention with grouped key/value heads and packed questions. */
import type { Tensor } from "../gpu/program.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** Heads of an attention layer. */
export interface HeadLayout {
  heads: number;
  kvHeads: number;
  /** Width of a head as stored: the true one, rounded up to a multiple of four. */
  headWidth: number;
  /** True width of a head: scores are scaled by its inverse root. */
  headDim: number;
}

/**
 * A batch of sequences: a prefix (the image), then blocks (packed questions) of equal length.
 * A plain causal sequence is a prefix without blocks.
 */
export interface SequenceLayout {
  batch: number;
  prefix: number;
  blocks: number;
  block: number;
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

/**
 * The table that {@linkcode rope} reads: (positions, headWidth), (cos, sin) of each pair.
 * Pair i turns by position * theta^(-2i / headDim) (arXiv 2104.09864, equation 15).
 */
export function ropeTable(
  positions: number,
  { headDim, headWidth }: HeadLayout,
  theta: number,
): Float32Array {
  const table = new Float32Array(positions * headWidth);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < headWidth / 2; pair++) {
      const angle = 2 * pair < headDim ? position * theta ** (-2 * pair / headDim) : 0;
      table[position * headWidth + 2 * pair] = Math.cos(angle);
      table[position * headWidth + 2 * pair + 1] = Math.sin(angle);
    }
  }
  return table;
}

/**
 * Turns the query and key heads of a joint projection; value heads pass through.
 *
 * @param x (rows, (heads + 2 kvHeads) headWidth)
 * @param table from {@linkcode ropeTable}
 * @param positions one position a row
 */
export function rope(
  tape: Tape,
  x: Tensor,
  table: Tensor,
  positions: GPUBuffer,
  layout: HeadLayout,
): Tensor {
  const turn = (from: Tensor, inverse: boolean) => {
    const y = tape.tensor(
      inverse ? "d rope" : "rope",
      from.rows,
      from.columns,
      !inverse && x.needsGradient,
    );
    tape.dispatch("rope", {
      matrices: { x: from, table, y },
      arrays: { positions },
      sizes: {
        rows: from.rows,
        width4: from.width4,
        rotated_heads: layout.heads + layout.kvHeads,
        head4: layout.headWidth / 4,
      },
      constants: { INVERSE: inverse ? 1 : 0 },
      grid: rowGrid(tape, from.rows),
    });
    return y;
  };
  const y = turn(x, false);
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => {
      if (base) throw new RangeError("Cannot trace rope: its input is used twice");
      return turn(dy, true);
    });
  });
  return y;
}

/**
 * y = softmax(q k^T / sqrt(headDim), causal) v, query head h reading key/value head
 * floor(h / (heads / kvHeads)) (arXiv 2305.13245).
 *
 * @param x (batch * sequence, (heads + 2 kvHeads) headWidth), queries, keys and values side by side
 * @returns (batch * sequence, heads headWidth)
 */
export function attention(
  tape: Tape,
  x: Tensor,
  sequence: SequenceLayout,
  layout: HeadLayout,
): Tensor {
  const { heads, kvHeads, headWidth, headDim } = layout;
  const { batch, prefix, blocks, block } = sequence;
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
  const constants = { HEAD4: headWidth / 4 };
  const fours = Math.ceil(prefix / 4) + blocks * Math.ceil(block / 4);
  const grid = (
    pairs: number,
  ): [number, number] => [fours, Math.ceil(batch * pairs / tape.engine.plan.lanes)];
  const scores = batch * heads *
    (prefix * (prefix + 1) / 2 + blocks * (block * prefix + block * (block + 1) / 2));
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
    tape.accumulate(x, (base) => {
      if (base) throw new RangeError("Cannot trace attention: its input is used twice");
      const dx = tape.tensor("d attention", x.rows, x.columns);
      const rows = tape.tensor("attention rows", x.rows, 4 * heads);
      tape.dispatch("attention_backward_query", {
        matrices: { x, y, dy, logsumexp, dx, rows },
        sizes,
        constants,
        grid: grid(heads),
        flops: products(3),
      });
      tape.dispatch("attention_backward_key_value", {
        matrices: { x, dy, rows, dx },
        sizes,
        constants,
        grid: grid(kvHeads),
        flops: products(4),
      });
      return dx;
    });
  });
  return y;
}
