/** SwiGLU on the tape. */
import type { Tensor } from "../gpu/program.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** y = silu(gate) up. x (rows, 2 width) holds gate and up, each a multiple of four wide -> (rows, width). */
export function swiglu(tape: Tape, x: Tensor): Tensor {
  const y = tape.tensor("swiglu", x.rows, x.columns / 2, x.needsGradient);
  const sizes = { rows: x.rows, width4: y.width4 };
  tape.dispatch("swiglu_forward", { matrices: { x, y }, sizes, grid: rowGrid(tape, x.rows) });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => {
      if (base) throw new RangeError("Cannot trace swiglu: its input is used twice");
      const dx = tape.tensor("d swiglu", x.rows, x.columns);
      tape.dispatch("swiglu_backward", {
        matrices: { x, dy, dx },
        sizes,
        grid: rowGrid(tape, x.rows),
      });
      return dx;
    });
  });
  return y;
}
