/** Sums of matrices. */
import type { Tensor } from "../gpu/program.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** x + y, without a gradient: for sums of gradients. */
export function add(tape: Tape, x: Tensor, y: Tensor): Tensor {
  const z = tape.tensor("sum", x.rows, x.columns);
  tape.dispatch("add", {
    matrices: { x, y, z },
    sizes: { rows: x.rows, width4: x.width4 },
    grid: rowGrid(tape, x.rows),
  });
  return z;
}
