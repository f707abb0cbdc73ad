/** SwiGLU and its gradient as operations of their own; products do both while they store. */
import type { Tensor } from "../gpu/tensor.ts";
import { rowGrid, type Tape } from "./tape.ts";

/**
 * y = silu(gate) up, without a gradient: a product's activation has it.
 *
 * @param x gate and up side by side, each a multiple of four wide: (rows, 2 width)
 * @returns (rows, width)
 */
export function swigluForward(tape: Tape, x: Tensor, name = "swiglu"): Tensor {
  const y = tape.tensor(name, x.rows, x.columns / 2, x.needsGradient);
  tape.dispatch("swiglu_forward", {
    matrices: { x, y },
    sizes: { rows: x.rows, width4: y.width4 },
    grid: rowGrid(tape, x.rows),
  });
  return y;
}

/**
 * Gradient of y = silu(gate) up, plus base.
 *
 * @param x gate and up side by side, each a multiple of four wide: (rows, 2 width)
 * @param dy (rows, width)
 * @returns (rows, 2 width)
 */
export function swigluBackward(tape: Tape, x: Tensor, dy: Tensor, base?: Tensor): Tensor {
  const dx = tape.tensor("d swiglu", x.rows, x.columns);
  tape.dispatch("swiglu_backward", {
    matrices: { x, dy, dx, ...(base && { base }) },
    sizes: { rows: x.rows, width4: dy.width4 },
    constants: base ? { ADD: 1 } : {},
    grid: rowGrid(tape, x.rows),
  });
  return dx;
}
