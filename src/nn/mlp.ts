/** The two-layer perceptron of projectors: Linear, GELU (exact), Linear. */
import type { Tensor } from "../gpu/tensor.ts";
import { linear } from "../tensor/linear.ts";
import type { Tape } from "../tensor/tape.ts";
import type { ParameterSpec } from "./parameters.ts";

/** Parameters of an MLP `name`: weights (out, in) Kaiming-uniform, biases zero, names as in PyTorch. */
export function mlpSpecs(
  name: string,
  width: { in: number; hidden: number; out: number },
): ParameterSpec[] {
  return [
    {
      name: `${name}.0.weight`,
      rows: width.hidden,
      columns: width.in,
      initialisation: { kind: "kaiming-uniform" },
    },
    { name: `${name}.0.bias`, rows: 1, columns: width.hidden, initialisation: { kind: "zeros" } },
    {
      name: `${name}.2.weight`,
      rows: width.out,
      columns: width.hidden,
      initialisation: { kind: "kaiming-uniform" },
    },
    { name: `${name}.2.bias`, rows: 1, columns: width.out, initialisation: { kind: "zeros" } },
  ];
}

/** y = W2 gelu(W0 x + b0) + b2. x (rows, in) -> (rows, out). */
export function mlp(
  tape: Tape,
  name: string,
  x: Tensor,
  parameters: ReadonlyMap<string, Tensor>,
): Tensor {
  const get = (part: string) => parameters.get(`${name}.${part}`)!;
  const hidden = linear(tape, x, get("0.weight"), {
    bias: get("0.bias"),
    activation: { kind: "gelu", form: "exact" },
    name: `${name}.0`,
  });
  return linear(tape, hidden, get("2.weight"), { bias: get("2.bias"), name: `${name}.2` });
}
