/**
 * The linear connector of LLaVA (arXiv 2304.08485, section 4.1, equation 1):
 *
 *   P1(x) = W x + b
 */
import { linear } from "../tensor/linear.ts";
import type { Connector } from "./connector.ts";

/** P1(x) = W x + b. */
export const linearConnector: Connector = {
  name: "linear",
  formula: "P1(x) = W x + b",
  parameters: ({ vision, hidden }) => [
    {
      name: "P1.weight",
      rows: hidden,
      columns: vision,
      initialisation: { kind: "kaiming-uniform" },
    },
    { name: "P1.bias", rows: 1, columns: hidden, initialisation: { kind: "zeros" } },
  ],
  trace: (tape, x, parameters) =>
    linear(tape, x, parameters.get("P1.weight")!, { bias: parameters.get("P1.bias")!, name: "P1" }),
};
