/** All connectors by name. A new one is a file beside this one and a line here. */
import type { Connector } from "./connector.ts";
import { gatedCrossAttentionConnector } from "./gated_cross_attention.ts";
import { linearConnector } from "./linear.ts";
import { mlpConnector } from "./mlp.ts";
import { mlpLayerNormConnector } from "./mlp_layernorm.ts";
import { mlpPositionsConnector } from "./mlp_positions.ts";

/** Connectors by the name that studies use. */
export const CONNECTORS: Record<string, Connector> = Object.fromEntries(
  [
    linearConnector,
    mlpConnector,
    mlpLayerNormConnector,
    mlpPositionsConnector,
    gatedCrossAttentionConnector,
  ]
    .map((connector) => [connector.name, connector]),
);
