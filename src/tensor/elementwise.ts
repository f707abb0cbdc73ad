/** Sums and elementwise products of matrices. */
import type { Tensor } from "../gpu/tensor.ts";
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

/**
 * z = x y, element by element, with y a constant.
 *
 *   dx = dz y
 *
 * @param x (rows, columns)
 * @param y (rows, columns)
 */
export function multiply(tape: Tape, x: Tensor, y: Tensor): Tensor {
  if (x.rows !== y.rows || x.columns !== y.columns) {
    throw new RangeError(
      `Cannot trace multiply: ${x.rows} x ${x.columns} and ${y.rows} x ${y.columns} differ`,
    );
  }
  const z = product(tape, x, y);
  z.needsGradient = x.needsGradient;
  tape.onBackward(() => {
    const dz = tape.gradientOf(z);
    if (dz) tape.accumulate(x, (base) => product(tape, dz, y, base));
  });
  return z;
}

function product(tape: Tape, x: Tensor, y: Tensor, base?: Tensor): Tensor {
  const z = tape.tensor("elementwise product", x.rows, x.columns);
  tape.dispatch("multiply", {
    matrices: { x, y, z, ...(base && { base }) },
    sizes: { rows: x.rows, width4: x.width4 },
    constants: base ? { ADD: 1 } : {},
    grid: rowGrid(tape, x.rows),
  });
  return z;
}
