/** The gradient of GELU as an operation of its own; products do it and the forward while they store. */
import type { Tensor } from "../gpu/program.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** dx = dy gelu'(x) + base. x (rows, width), exact (erf) unless `tanh` -> (rows, width). */
export function geluBackward(
  tape: Tape,
  x: Tensor,
  dy: Tensor,
  tanh: boolean,
  base?: Tensor,
): Tensor {
  const dx = tape.tensor("d gelu", x.rows, x.columns);
  tape.dispatch("gelu_backward", {
    matrices: { x, dy, dx, ...(base && { base }) },
    sizes: { rows: x.rows, width4: x.width4 },
    constants: { TANH: tanh ? 1 : 0, ...(base && { ADD: 1 }) },
    grid: rowGrid(tape, x.rows),
  });
  return dx;
}
