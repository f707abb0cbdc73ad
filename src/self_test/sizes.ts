/** Sizes of the self-test: small, and no multiples of what a lane or a workgroup takes. */
import type { PackingLayout } from "../data/packing.ts";
import { sequenceLength } from "../tensor/attention.ts";
import type { HeadLayout } from "../tensor/heads.ts";

/** Packed sequences whose prefix and blocks are no multiples of four. */
export const LAYOUT: PackingLayout = {
  batch: 3,
  prefix: 5,
  blocks: 3,
  block: 7,
  answers: 2,
  vocabulary: 50,
  pad: 0,
};

/** Tokens of the batch: more than one chunk of a column sum, no multiple of a workgroup. */
export const ROWS = LAYOUT.batch * sequenceLength(LAYOUT);

/** Width of the tokens: the last group of four is not full. */
export const WIDTH = 62;

/** Heads in groups of two that fill all but two columns of `width4` groups of four. */
export function headsOf(width4: number): HeadLayout {
  return { heads: 4, kvHeads: 2, headWidth: 4 * width4, headDim: 4 * width4 - 2 };
}

/** Four numbers a row, as kernels leave what they know of a row. */
export function quadruples(of: (row: number) => number[]): number[] {
  return Array.from({ length: ROWS }, (_, r) => of(r)).flat();
}
