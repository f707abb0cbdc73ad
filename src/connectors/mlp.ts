/**
 * The two-layer MLP connector of LLaVA-1.5 (arXiv 2310.03744, section 3.2):
 *
 *   P1(x) = W2 gelu(W0 x + b0) + b2
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import type { Connector } from "./connector.ts";

/** P1(x) = W2 gelu(W0 x + b0) + b2. */
export const mlpConnector: Connector = {
  name: "mlp",
  formula: "P1(x) = W2 gelu(W0 x + b0) + b2",
  parameters: ({ vision, projector, hidden }) =>
    mlpSpecs("P1", { in: vision, hidden: projector, out: hidden }),
  trace: (tape, x, parameters) => mlp(tape, "P1", x, parameters),
};
