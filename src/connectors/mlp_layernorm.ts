/**
 * The MLP connector with LayerNorm (arXiv 1607.06450) behind it:
 *
 *   P1(x) = LayerNorm(W2 gelu(W0 x + b0) + b2)
 *
 * A control for the regularisers: it fixes the norms of the projection, whatever the loss.
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { layerNorm } from "../tensor/norm.ts";
import type { Connector } from "./connector.ts";

/** PyTorch's default. */
const EPS = 1e-5;

/** P1(x) = LayerNorm(W2 gelu(W0 x + b0) + b2). */
export const mlpLayerNormConnector: Connector = {
  name: "mlp-layernorm",
  formula: "P1(x) = LayerNorm(W2 gelu(W0 x + b0) + b2)",
  parameters: ({ vision, projector, hidden }) => [
    ...mlpSpecs("P1", { in: vision, hidden: projector, out: hidden }),
    { name: "P1.3.weight", rows: 1, columns: hidden, initialisation: { kind: "ones" } },
    { name: "P1.3.bias", rows: 1, columns: hidden, initialisation: { kind: "zeros" } },
  ],
  trace: (tape, x, parameters) =>
    layerNorm(
      tape,
      mlp(tape, "P1", x, parameters),
      parameters.get("P1.3.weight")!,
      parameters.get("P1.3.bias")!,
      EPS,
    ),
};
