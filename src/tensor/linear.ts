/** Affine maps y = x W^T + b with W (out, in), optional GELU and residual, and their gradients. */
import type { Tensor } from "../gpu/program.ts";
import { matmulNN, matmulNT, matmulTN } from "./matmul.ts";
import { columnSum } from "./reduce.ts";
import { geluBackward } from "./gelu.ts";
import { add } from "./elementwise.ts";
import type { Tape } from "./tape.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions {
  /** (1, out). */
  bias?: Tensor;
  /** Applies GELU: exact (erf) or by tanh. */
  gelu?: "erf" | "tanh";
  /** (rows, out), added to the result. Not together with `gelu`. */
  residual?: Tensor;
  name?: string;
}

/**
 * y = gelu(x W^T + b) + residual.
 *
 *   dx = dpre W      dW = dpre^T x      db = column sums of dpre      dresidual = dy
 *
 * @param x (rows, in)
 * @param weight (out, in)
 * @returns (rows, out)
 */
export function linear(tape: Tape, x: Tensor, weight: Tensor, options: LinearOptions = {}): Tensor {
  const { bias, gelu, residual, name = "linear" } = options;
  const needsGradient = [x, weight, bias, residual].some((tensor) => tensor?.needsGradient);
  const pre = gelu && tape.tensor(`${name} before gelu`, x.rows, weight.rows);
  const y = matmulNT(tape, x, weight, {
    bias,
    base: residual,
    gelu: pre && { pre, tanh: gelu === "tanh" },
    name,
    needsGradient,
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    const dpre = pre ? geluBackward(tape, pre, dy, gelu === "tanh") : dy;
    if (residual) tape.accumulate(residual, (base) => base ? add(tape, base, dy) : dy);
    tape.accumulate(x, (base) => matmulNN(tape, dpre, weight, { base, name: `d ${x.name}` }));
    tape.accumulate(weight, (base) => matmulTN(tape, dpre, x, { base, name: `d ${weight.name}` }));
    if (bias) tape.accumulate(bias, (base) => columnSum(tape, dpre, base));
  });
  return y;
}
