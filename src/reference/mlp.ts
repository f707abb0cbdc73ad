import { gelu, geluBackward } from "./gelu.ts";
import { linear, linearBackward } from "./linear.ts";
import type { Values } from "./values.ts";

/** Parameters of Linear, exact GELU, Linear, the shape of both projectors; named as in PyTorch. */
export type MlpParameter = "0.weight" | "0.bias" | "2.weight" | "2.bias";

/** Weights (outputs, inputs) and biases. */
export type Mlp = Record<MlpParameter, Values>;

/** A projector's output y and the pullback of its gradient. */
export interface MlpResult {
  y: Float64Array;
  backward(gradY: Values): {
    gradX: Float64Array;
    gradients: Record<MlpParameter, Float64Array>;
  };
}

/** P(x) = W2 gelu(W0 x + b0) + b2 for each row of x. */
export function mlp(x: Values, parameters: Mlp): MlpResult {
  const { "0.weight": w0, "0.bias": b0, "2.weight": w2, "2.bias": b2 } = parameters;
  const hidden = b0.length;
  const inputs = w0.length / hidden;
  const before = linear(x, w0, b0, inputs);
  const after = gelu(before);
  return {
    y: linear(after, w2, b2, hidden),
    backward(gradY) {
      const second = linearBackward(after, w2, gradY, hidden);
      const first = linearBackward(
        x,
        w0,
        geluBackward(before, second.gradX),
        inputs,
      );
      return {
        gradX: first.gradX,
        gradients: {
          "0.weight": first.gradWeight,
          "0.bias": first.gradBias,
          "2.weight": second.gradWeight,
          "2.bias": second.gradBias,
        },
      };
    },
  };
}
