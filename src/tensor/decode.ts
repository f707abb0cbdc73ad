/** Decoding on the tape: one new token a block against a key/value cache, and the greedy choice. */
import type { Tensor } from "../gpu/tensor.ts";
import { type SequenceLayout, sequenceLength } from "./attention.ts";
import type { HeadLayout } from "./heads.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** Where the new tokens stand. */
export interface CachePlace {
  sequence: SequenceLayout;
  /** Tokens in each block before decoding began. The step's slot counts the tokens since. */
  lengths: GPUBuffer;
}

/**
 * Appends the new keys and values to the cache and attends to it: each new token sees the prefix
 * and its own block, itself included.
 *
 * @param x rotated projections of the new tokens, (batch * blocks, (heads + 2 kvHeads) headWidth)
 * @param cache rotated projections of the sequences, (batch * sequence, the same), or their last
 * 2 kvHeads headWidth columns, keys and values; changed in place
 * @returns (batch * blocks, heads headWidth)
 */
export function decodeAttention(
  tape: Tape,
  x: Tensor,
  cache: Tensor,
  { sequence, lengths }: CachePlace,
  { heads, kvHeads, headWidth, headDim }: HeadLayout,
): Tensor {
  const { batch, prefix, block } = sequence;
  const sizes = { batch, sequence: sequenceLength(sequence), prefix, block, rows: x.rows };
  const grid = rowGrid(tape, x.rows);
  const column0 = x.width4 - cache.width4;
  tape.dispatch("cache_append", {
    matrices: { x, cache },
    arrays: { lengths },
    sizes: { ...sizes, keys4: heads * headWidth / 4, width4: x.width4, column0 },
    grid,
  });
  const y = tape.tensor("decoded attention", x.rows, heads * headWidth);
  tape.dispatch("attention_decode", {
    matrices: { x, cache, y },
    arrays: { lengths },
    sizes: {
      ...sizes,
      heads,
      kv_heads: kvHeads,
      column0,
      scale_log2e: Math.LOG2E / Math.sqrt(headDim),
    },
    constants: { HEAD4: headWidth / 4 },
    grid: [grid[0], heads],
  });
  return y;
}

/**
 * The index of each row's largest logit, written to `next` and to the step's slot of `tokens`.
 *
 * @param logits (rows, vocabulary)
 * @param chosen `next` has one entry a row, `tokens` one a row and slot
 */
export function greedyChoice(
  tape: Tape,
  logits: Tensor,
  chosen: { next: GPUBuffer; tokens: GPUBuffer },
): void {
  tape.dispatch("argmax", {
    matrices: { x: logits },
    arrays: { next: chosen.next, tokens: chosen.tokens },
    sizes: { rows: logits.rows, width: logits.columns, width4: logits.width4 },
    grid: rowGrid(tape, logits.rows),
  });
}
