/** Rows of length one on the tape. */
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { columnSum } from "./reduce.ts";
import { rowGrid, type Tape } from "./tape.ts";

/**
 * y = s x / |x| row by row, s = exp(logScale) or 1. A row of zeros stays one, without a gradient.
 *
 *   dx = s / |x| (dy - u (u . dy)) with u = x / |x|      dlogScale = sum over rows of y . dy
 *
 * @param x (rows, width)
 * @param logScale (1, 1)
 */
export function unitRows(tape: Tape, x: Tensor, logScale?: Tensor): Tensor {
  const { rows, columns, width4 } = x;
  const needsGradient = x.needsGradient || logScale?.needsGradient;
  const y = tape.tensor("unit rows", rows, columns, needsGradient);
  const inverseNorm = tape.tensor("inverse norm", rows, 4);
  const scale = logScale && { log_scale: logScale };
  const constants: Constants = logScale ? { SCALE: 1 } : {};
  const sizes = { rows, width4 };
  const grid = rowGrid(tape, rows);
  tape.dispatch("unit_rows_forward", {
    matrices: { x, y, inverse_norm: inverseNorm, ...scale },
    sizes,
    constants,
    grid,
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy || !needsGradient) return;
    const base = tape.gradientOf(x);
    const dx = tape.tensor(`d ${x.name}`, rows, columns);
    const products = logScale && tape.tensor("products of rows", rows, 1);
    tape.dispatch("unit_rows_backward", {
      matrices: {
        x,
        dy,
        inverse_norm: inverseNorm,
        dx,
        ...scale,
        ...(products && { products }),
        ...(base && { base }),
      },
      sizes,
      constants: { ...constants, ...(base && { ADD: 1 }) },
      grid,
    });
    tape.accumulate(x, () => dx);
    if (products) tape.accumulate(logScale, (sum) => columnSum(tape, products, sum));
  });
  return y;
}
