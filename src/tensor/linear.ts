/**
 * Affine maps y = x W^T + b with W (out, in), what a kernel can do to y before it is stored, and
 * their gradients.
 *
 * An activation's gradient costs no pass of its own where the consumer of y makes it while it
 * stores: a linear map behind it, or attention behind a rotation. Such a consumer asks
 * {@linkcode producerOf} and gathers the gradient of the value before the activation; any other
 * gathers the gradient of y, and a kernel of its own turns it into that.
 */
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "./elementwise.ts";
import { geluBackward } from "./gelu.ts";
import { type Activation, type Producer, producerOf, setProducer } from "./producer.ts";
import { columnSum } from "./reduce.ts";
import { rotateBack } from "./rope.ts";
import { swigluBackward } from "./swiglu.ts";
import type { Tape } from "./tape.ts";
import { accumulateWeight, timesTransposed, timesWeight } from "./weight_products.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions {
  /** (1, out). Not together with `swiglu`. */
  bias?: Tensor;
  /** (rows, out), added to x W^T before the activation. */
  before?: Tensor;
  activation?: Activation;
  /** (rows, out), added to the result. Not together with an activation. */
  residual?: Tensor;
  name?: string;
}

/**
 * y = activation(x W^T + b + before) + residual.
 *
 *   dx = dpre W      dW = dpre^T x      db = column sums of dpre
 *   dbefore = dpre   dresidual = dy
 *
 * @param x (rows, in)
 * @param weight (out, in)
 * @returns (rows, out), or (rows, out / 2) behind SwiGLU
 */
export function linear(tape: Tape, x: Tensor, weight: Tensor, options: LinearOptions = {}): Tensor {
  const { bias, before, activation, residual, name = "linear" } = options;
  const needsGradient = [x, weight, bias, before, residual].some((tensor) => tensor?.needsGradient);
  const producer = activation && {
    activation,
    pre: tape.tensor(`${name} before ${activation.kind}`, x.rows, weight.rows, needsGradient),
  };
  const y = timesTransposed(tape, x, weight, {
    bias,
    before,
    base: residual,
    producer,
    name,
    needsGradient,
  });
  if (producer) setProducer(y, producer);
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (producer && dy) {
      tape.accumulate(producer.pre, (base) => activationBackward(tape, producer, dy, base));
    }
    const dpre = tape.gradientOf(producer?.pre ?? y);
    if (!dpre) return;
    for (const addend of [before, residual]) {
      if (addend) tape.accumulate(addend, (base) => base ? add(tape, base, dpre) : dpre);
    }
    const source = producerOf(x);
    if (source && source.activation.kind !== "rotation") {
      tape.accumulate(
        source.pre,
        (base) => timesWeight(tape, dpre, weight, { base, source, name: `d ${source.pre.name}` }),
      );
    } else {
      tape.accumulate(x, (base) => timesWeight(tape, dpre, weight, { base, name: `d ${x.name}` }));
    }
    accumulateWeight(tape, weight, dpre, x);
    if (bias) tape.accumulate(bias, (base) => columnSum(tape, dpre, base));
  });
  return y;
}

function activationBackward(
  tape: Tape,
  { pre, activation }: Producer,
  dy: Tensor,
  base: Tensor | undefined,
): Tensor {
  switch (activation.kind) {
    case "gelu":
      return geluBackward(tape, pre, dy, activation.form, base);
    case "swiglu":
      return swigluBackward(tape, pre, dy, base);
    case "rotation":
      return rotateBack(tape, dy, activation.rotation, base);
  }
}
