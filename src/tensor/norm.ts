/** RMSNorm and LayerNorm on the tape. */
import type { Tensor } from "../gpu/tensor.ts";
import { CHUNK, columnSum } from "./reduce.ts";
import { columnGrid, rowGrid, type Tape } from "./tape.ts";

/**
 * y = x / sqrt(mean(x^2) + eps) * weight (arXiv 1910.07467).
 *
 * @param x (rows, width)
 * @param weight (1, width)
 */
export function rmsNorm(tape: Tape, x: Tensor, weight: Tensor, eps: number): Tensor {
  const { rows, columns, width4 } = x;
  const y = tape.tensor("rms norm", rows, columns, x.needsGradient || weight.needsGradient);
  const inverseRms = tape.tensor("inverse rms", rows, 4);
  const sizes = { rows, width4, inverse_width: 1 / columns };
  tape.dispatch("rms_norm_forward", {
    matrices: { x, weight, y, inverse_rms: inverseRms },
    sizes: { ...sizes, eps },
    grid: rowGrid(tape, rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => {
      const dx = tape.tensor(`d ${x.name}`, rows, columns);
      tape.dispatch("rms_norm_backward", {
        matrices: { x, weight, dy, inverse_rms: inverseRms, dx, ...(base && { base }) },
        sizes,
        constants: base ? { ADD: 1 } : {},
        grid: rowGrid(tape, rows),
      });
      return dx;
    });
    tape.accumulate(weight, (base) => {
      const partial = tape.tensor("partial gains", Math.ceil(rows / CHUNK), columns);
      tape.dispatch("rms_norm_weight_gradient", {
        matrices: { x, dy, inverse_rms: inverseRms, partial },
        sizes: { rows, width4, chunk: CHUNK },
        grid: columnGrid(tape, partial.rows, width4),
      });
      return columnSum(tape, partial, base);
    });
  });
  return y;
}

/**
 * y = (x - mean) / sqrt(var + eps) * weight + bias (arXiv 1607.06450).
 *
 * @param x (rows, width)
 * @param weight (1, width)
 * @param bias (1, width)
 */
export function layerNorm(
  tape: Tape,
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  eps: number,
): Tensor {
  const { rows, columns, width4 } = x;
  const y = tape.tensor(
    "layer norm",
    rows,
    columns,
    [x, weight, bias].some((tensor) => tensor.needsGradient),
  );
  const statistics = tape.tensor("layer norm statistics", rows, 4);
  const sizes = { rows, width: columns, width4, inverse_width: 1 / columns };
  tape.dispatch("layer_norm_forward", {
    matrices: { x, weight, bias, y, statistics },
    sizes: { ...sizes, eps },
    grid: rowGrid(tape, rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => {
      const dx = tape.tensor(`d ${x.name}`, rows, columns);
      tape.dispatch("layer_norm_backward", {
        matrices: { x, weight, dy, statistics, dx, ...(base && { base }) },
        sizes,
        constants: base ? { ADD: 1 } : {},
        grid: rowGrid(tape, rows),
      });
      return dx;
    });
    tape.accumulate(weight, (base) => {
      const partial = tape.tensor("partial gains", Math.ceil(rows / CHUNK), columns);
      tape.dispatch("layer_norm_weight_gradient", {
        matrices: { x, dy, statistics, partial },
        sizes: { rows, width: columns, width4, chunk: CHUNK },
        grid: columnGrid(tape, partial.rows, width4),
      });
      return columnSum(tape, partial, base);
    });
    tape.accumulate(bias, (base) => columnSum(tape, dy, base));
  });
  return y;
}
