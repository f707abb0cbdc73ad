/** The gradient of GELU as an operation of its own; products do it and the forward while they store. */
import type { Constants } from "../gpu/template.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { rowGrid, type Tape } from "./tape.ts";

/**
 * x/2 (1 + erf(x / sqrt 2)), its approximation by tanh, or x sigmoid(1.702 x) (arXiv 1606.08415, all
 * three; CLIP has the last).
 */
export type GeluForm = "exact" | "tanh" | "quick";

/** What chooses the form in a kernel. */
export function geluConstants(form: GeluForm): Constants {
  return { TANH: form === "tanh" ? 1 : 0, ...(form === "quick" && { QUICK: 1 }) };
}

/** The inverse of {@linkcode geluConstants}. */
export function geluForm({ TANH, QUICK }: Constants): GeluForm {
  return TANH ? "tanh" : QUICK ? "quick" : "exact";
}

/** dx = dy gelu'(x) + base. x (rows, width) -> (rows, width). */
export function geluBackward(
  tape: Tape,
  x: Tensor,
  dy: Tensor,
  form: GeluForm,
  base?: Tensor,
): Tensor {
  const dx = tape.tensor("d gelu", x.rows, x.columns);
  tape.dispatch("gelu_backward", {
    matrices: { x, dy, dx, ...(base && { base }) },
    sizes: { rows: x.rows, width4: x.width4 },
    constants: { ...geluConstants(form), ...(base && { ADD: 1 }) },
    grid: rowGrid(tape, x.rows),
  });
  return dx;
}
