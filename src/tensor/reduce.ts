/** Sums of columns and of one number a row. */
import type { Tensor } from "../gpu/tensor.ts";
import { columnGrid, type Tape } from "./tape.ts";

/** Rows that one invocation adds up in the first round of a column sum. */
export const CHUNK = 64;

/** Column sums of x (rows, width) -> (1, width), plus `base`. */
export function columnSum(tape: Tape, x: Tensor, base?: Tensor): Tensor {
  const chunks = Math.ceil(x.rows / CHUNK);
  if (chunks === 1) return sumRows(tape, x, 1, x.rows, base);
  return sumRows(tape, sumRows(tape, x, chunks, CHUNK), 1, chunks, base);
}

function sumRows(tape: Tape, x: Tensor, chunks: number, chunk: number, base?: Tensor): Tensor {
  const y = tape.tensor("column sums", chunks, x.columns);
  tape.dispatch("column_sum", {
    matrices: { x, y, ...(base && { base }) },
    sizes: { rows: x.rows, width4: x.width4, chunk },
    constants: base ? { ADD: 1 } : {},
    grid: columnGrid(tape, chunks, x.width4),
  });
  return y;
}

/**
 * Writes scale * (sum over rows of x[row, 0]) to a place of the ring's current slot.
 *
 * @param ring Where losses are read back from: four numbers a slot.
 * @param scale A fixed factor, or "token" for the step's token scale.
 */
export function rowTotal(
  tape: Tape,
  x: Tensor,
  ring: GPUBuffer,
  place: number,
  scale: number | "token",
): void {
  tape.dispatch("row_total", {
    matrices: { x },
    arrays: { ring },
    sizes: { rows: x.rows, place, fixed_scale: scale === "token" ? 0 : scale },
    grid: [1, 1],
  });
}
