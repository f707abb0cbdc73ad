/**
 * The MLP connector on tokens that say where in the picture they stand:
 *
 *   P1(x) = W2 gelu(W0 (x + p) + b0) + b2
 *
 * p is learnt, a vector a place, added as in a vision transformer (arXiv 2010.11929, equation 1). It is 0
 * at first, where this is the MLP connector. Later layers of a tower may have lost a token's place, and
 * the decoder has to infer it from the order of tokens. Relation Networks tag their cells with
 * coordinates too (arXiv 1706.01427).
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { addPositions } from "../tensor/positions.ts";
import type { Connector } from "./connector.ts";

/** P1(x) = W2 gelu(W0 (x + p) + b0) + b2. */
export const mlpPositionsConnector: Connector = {
  name: "mlp-positions",
  formula: "P1(x) = W2 gelu(W0 (x + p) + b0) + b2",
  parameters: ({ vision, projector, hidden, tokens }) => [
    ...mlpSpecs("P1", { in: vision, hidden: projector, out: hidden }),
    { name: "P1.positions", rows: tokens, columns: vision, initialisation: { kind: "zeros" } },
  ],
  trace(tape, x, parameters) {
    const positions = parameters.get("P1.positions")!;
    return mlp(tape, "P1", addPositions(tape, x, positions, positions.rows), parameters);
  },
};
