/** What an affine map does to its values before they are stored, and what a tensor was made by. */
import type { Tensor } from "../gpu/tensor.ts";
import type { GeluForm } from "./gelu.ts";
import type { Rotation } from "./rope.ts";

/** What happens to the map's values. */
export type Activation =
  | { kind: "gelu"; form: GeluForm }
  /** The values are gate and up side by side, each a multiple of four wide; the result is half as wide. */
  | { kind: "swiglu" }
  /** Query and key heads are turned by the row's position. */
  | { kind: "rotation"; rotation: Rotation };

/** How an activated tensor came about: y = activation(pre). Of a rotation, `pre` is never stored. */
export interface Producer {
  pre: Tensor;
  activation: Activation;
}

const producers = new WeakMap<Tensor, Producer>();

/** Remembers what made a tensor. */
export function setProducer(tensor: Tensor, producer: Producer): void {
  producers.set(tensor, producer);
}

/** What made a tensor, if it is the result of an activation. */
export function producerOf(tensor: Tensor): Producer | undefined {
  return producers.get(tensor);
}
