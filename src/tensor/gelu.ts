/** GELU as an operation of its own, and its gradient. */
import type { Tensor } from "../gpu/program.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** y = gelu(x), exact (erf) unless `tanh`. x (rows, width) -> (rows, width). */
export function gelu(tape: Tape, x: Tensor, tanh = false): Tensor {
  const y = tape.tensor("gelu", x.rows, x.columns, x.needsGradient);
  tape.dispatch("gelu_forward", {
    matrices: { x, y },
    sizes: { rows: x.rows, width4: x.width4 },
    constants: { TANH: tanh ? 1 : 0 },
    grid: rowGrid(tape, x.rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (dy) tape.accumulate(x, (base) => geluBackward(tape, x, dy, tanh, base));
  });
  return y;
}

/** dx = dy gelu'(x) + base. */
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
