/** Products with a weight and their gradients, band by band where it is in bands. */
import { bandsOf } from "../gpu/bands.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { matmulNN, matmulNT, type MatmulOptions, matmulTN } from "./matmul.ts";
import type { Producer } from "./producer.ts";
import { swigluForward } from "./swiglu.ts";
import type { Tape } from "./tape.ts";

/**
 * activation(x W^T + bias + before) + base, with the options of `matmulNT`. Bands of W give ranges of
 * columns.
 *
 * @param x (rows, in)
 * @param weight (out, in)
 */
export function timesTransposed(
  tape: Tape,
  x: Tensor,
  weight: Tensor,
  options: MatmulOptions & { bias?: Tensor; before?: Tensor; producer?: Producer },
): Tensor {
  if (!weight.bands) return matmulNT(tape, x, weight, options);
  const { producer, name = "linear", needsGradient } = options;
  // Gate and up of a column lie in different bands.
  if (producer?.activation.kind === "swiglu") {
    const { pre } = producer;
    timesBands(tape, x, weight, pre, { ...options, producer: undefined });
    return swigluForward(tape, pre, name);
  }
  const y = tape.tensor(name, x.rows, weight.rows, needsGradient);
  timesBands(tape, x, weight, y, options);
  return y;
}

function timesBands(
  tape: Tape,
  x: Tensor,
  weight: Tensor,
  y: Tensor,
  options: Parameters<typeof timesTransposed>[3],
): void {
  for (const { tensor, firstRow } of bandsOf(weight)) {
    matmulNT(tape, x, tensor, { ...options, into: { tensor: y, column: firstRow } });
  }
}

/**
 * dy W + base, with the options of `matmulNN`. Bands of W are added up one after the other; a
 * source's activation has a gradient that is linear in dy, so it may go into each.
 *
 * @param dy (rows, out)
 * @param weight (out, in)
 */
export function timesWeight(
  tape: Tape,
  dy: Tensor,
  weight: Tensor,
  options: MatmulOptions & { source?: Producer },
): Tensor {
  return bandsOf(weight).reduce<Tensor | undefined>((base, { tensor, firstRow }) => {
    const of = { column: firstRow, columns: tensor.rows };
    return matmulNN(tape, dy, tensor, { ...options, base, of });
  }, options.base)!;
}

/** Adds dy^T x to the gradient of a weight, or of each of its bands. */
export function accumulateWeight(tape: Tape, weight: Tensor, dy: Tensor, x: Tensor): void {
  for (const { tensor, firstRow } of bandsOf(weight)) {
    const of = { column: firstRow, columns: tensor.rows };
    tape.accumulate(
      tensor,
      (base) => matmulTN(tape, dy, x, { base, of, name: `d ${tensor.name}` }),
    );
  }
}
