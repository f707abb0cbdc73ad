/** Rotary position embedding: its table, its place in a joint projection, and its gradient. */
import type { Tensor } from "../gpu/tensor.ts";
import type { HeadLayout } from "./heads.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** How the rows of a joint projection (rows, (heads + 2 kvHeads) headWidth) are turned. */
export interface Rotation {
  /** From {@linkcode ropeTable}. */
  table: Tensor;
  /** One position a row. */
  positions: GPUBuffer;
  heads: HeadLayout;
}

/** What the kernels need to know of a rotation: groups of four columns that are turned, and in a head. */
export function rotationSizes({ heads }: Rotation): { rotated4: number; head4: number } {
  const head4 = heads.headWidth / 4;
  return { rotated4: (heads.heads + heads.kvHeads) * head4, head4 };
}

/**
 * The table that a {@linkcode Rotation} reads: (positions, headWidth), (cos, sin) of each pair.
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

/** The gradient before the rotation, plus base. dy (rows, (heads + 2 kvHeads) headWidth) -> the same. */
export function rotateBack(tape: Tape, dy: Tensor, rotation: Rotation, base?: Tensor): Tensor {
  const dx = tape.tensor("d rotation", dy.rows, dy.columns);
  tape.dispatch("rope_backward", {
    matrices: { dy, dx, table: rotation.table, ...(base && { base }) },
    arrays: { positions: rotation.positions },
    sizes: { rows: dy.rows, width4: dy.width4, ...rotationSizes(rotation) },
    constants: base ? { ADD: 1 } : {},
    grid: rowGrid(tape, dy.rows),
  });
  return dx;
}
