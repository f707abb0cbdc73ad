/** The heads of an attention layer. */

/** Heads of an attention layer. */
export interface HeadLayout {
  heads: number;
  kvHeads: number;
  /** Width of a head as stored: the true one, rounded up to a multiple of four. */
  headWidth: number;
  /** True width of a head: scores are scaled by its inverse root. */
  headDim: number;
}
