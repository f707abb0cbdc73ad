/**
 * Sizes of the self-test: small and odd, but leading to the kernel variants of the default model
 * (hidden size 64, heads of 16). Those are compiled anyway when it trains, and no others are.
 */
import type { PackingLayout } from "../../data/packing.ts";
import { type HeadLayout, sequenceLength } from "../../tensor/attention.ts";

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

/** Tokens of the batch: more than one chunk of a column sum, no multiple of a register block. */
export const ROWS = LAYOUT.batch * sequenceLength(LAYOUT);

/** Heads in groups of two. */
export const HEADS: HeadLayout = { heads: 4, kvHeads: 2, headWidth: 16, headDim: 16 };

/** Width of the tokens. */
export const HIDDEN = 64;
