/**
 * The gated cross-attention connector, after Flamingo (arXiv 2204.14198, figure 4):
 *
 *   P1(x) = W x + b;  before every second layer:  h = h + tanh(a) attention(LN(h), P1(x)),  h = h + tanh(b) ff(LN(h))
 *
 * Image tokens do not stand in the sequence. As the gates start at 0 the LLM is at first what it was
 * without pictures. Flamingo's Perceiver resampler is left out: there are few image tokens here.
 */
import { gatedCrossAttention, gatedCrossAttentionSpecs } from "../nn/gated_cross_attention.ts";
import type { Connector } from "./connector.ts";
import { linearConnector } from "./linear.ts";

/** Layers of the LLM from one block to the next. */
const EVERY = 2;

const blockName = (layer: number) => `P1.block_${layer}`;

/** Blocks between the layers of the LLM. */
export const gatedCrossAttentionConnector: Connector = {
  name: "gated-cross-attention",
  formula: "h + tanh(a) attention(LN(h), P1(x)) before every second layer, P1(x) = W x + b",
  parameters: (widths) => [
    ...linearConnector.parameters(widths),
    ...Array.from(
      { length: Math.ceil(widths.layers / EVERY) },
      (_, i) =>
        gatedCrossAttentionSpecs(blockName(EVERY * i), {
          width: widths.hidden,
          visual: widths.hidden,
          heads: widths.heads,
        }),
    ).flat(),
  ],
  trace: linearConnector.trace,
  look: (tape, layer, { h, z, parameters, heads, attended }) =>
    layer % EVERY === 0
      ? gatedCrossAttention(tape, blockName(layer), h, z, parameters, heads, attended)
      : h,
};
