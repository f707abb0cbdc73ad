/**
 * The losses on the projector's output z = P1(x), one token a row. Means run over all rows.
 *
 * Each gives the gradient by z, by x where x enters the loss itself, and by P2 where it has one;
 * what flows on through P1 is left to the caller.
 */
import { cosineLoss, cosineLossBackward } from "./cosine.ts";
import { linear, linearBackward } from "./linear.ts";
import { type Mlp, mlp, type MlpParameter } from "./mlp.ts";
import { add, type Values } from "./values.ts";

/** A loss and its gradients. */
export interface ObjectiveResult {
  loss: number;
  /** Cosine of each token; empty for losses that are no cosine. */
  cosines: Float64Array;
  gradZ: Float64Array;
  /** By x as the loss reads it, not through z; null where it does not read x. */
  gradX: Float64Array | null;
  /** By the parameters of P2; null where there is none. */
  gradP2: Record<MlpParameter, Float64Array> | null;
}

/** 1 - mean cos(x, P2(z)), P2 leading back to the width of x. */
export function reconstruction(x: Values, z: Values, p2: Mlp): ObjectiveResult {
  const width = p2["2.bias"].length;
  const predicted = mlp(z, p2);
  const { loss, cosines } = cosineLoss(x, predicted.y, width);
  const { gradU, gradV } = cosineLossBackward(x, predicted.y, width);
  const { gradX: gradZ, gradients } = predicted.backward(gradV);
  return { loss, cosines, gradZ, gradX: gradU, gradP2: gradients };
}

/** 1 - mean cos(R x, z), R (width of z, width of x) fixed. */
export function liftedCosine(
  x: Values,
  z: Values,
  r: Values,
  inputs: number,
): ObjectiveResult {
  const width = r.length / inputs;
  const lifted = linear(x, r, null, inputs);
  const { loss, cosines } = cosineLoss(lifted, z, width);
  const { gradU, gradV } = cosineLossBackward(lifted, z, width);
  const { gradX } = linearBackward(x, r, gradU, inputs);
  return { loss, cosines, gradZ: gradV, gradX, gradP2: null };
}

/** The side of self-distillation whose gradient is stopped. */
export type StoppedSide = "neither" | "target" | "input";

/** 1 - mean cos(z, P2(z)); `target` stops the gradient at the first z, `input` at the second. */
export function selfDistillation(
  z: Values,
  p2: Mlp,
  stopped: StoppedSide = "neither",
): ObjectiveResult {
  const width = p2["2.bias"].length;
  const predicted = mlp(z, p2);
  const { loss, cosines } = cosineLoss(z, predicted.y, width);
  const { gradU, gradV } = cosineLossBackward(z, predicted.y, width);
  const { gradX: throughP2, gradients } = predicted.backward(gradV);
  const gradZ = {
    neither: () => add(gradU, throughP2),
    target: () => throughP2,
    input: () => gradU,
  }[stopped]();
  return { loss, cosines, gradZ, gradX: null, gradP2: gradients };
}
