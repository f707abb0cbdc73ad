/** What a decoder takes, from its configuration alone. */
import type { Shape } from "../../gpu/memory.ts";
import { headLayout, type LlamaConfig } from "../llama_config.ts";
import { llamaSpecs } from "../llama_weights.ts";

/** Size of a decoder. */
export interface DecoderSize {
  /** Numbers in its checkpoint; a tied output head is counted once. */
  parameters: number;
  /** Bytes of its weights on the device, float32. */
  weightBytes: number;
  /** Tokens that the cache is sized for. */
  context: number;
  /** Bytes of the keys and values of that many tokens, float32. */
  cacheBytes: number;
}

/** The size of a decoder that reads texts of `context` tokens. */
export function decoderSize(config: LlamaConfig, context: number): DecoderSize {
  const { kvHeads, headWidth } = headLayout(config);
  const count = (shapes: Shape[], of: (shape: Shape) => number) =>
    shapes.reduce((sum, shape) => sum + of(shape), 0);
  return {
    parameters: count(llamaSpecs(config), ({ rows, columns }) => rows * columns),
    weightBytes: count(
      kernelShapes(config),
      ({ rows, columns }) => rows * 16 * Math.ceil(columns / 4),
    ),
    context,
    cacheBytes: config.num_hidden_layers * context * 2 * kvHeads * headWidth * 4,
  };
}

/** Shapes of the matrices that `packLlama` makes: heads, gate and up are padded to fours. */
function kernelShapes(config: LlamaConfig): Shape[] {
  const { heads, kvHeads, headWidth } = headLayout(config);
  const { hidden_size: columns, vocab_size: rows, num_hidden_layers: layers } = config;
  const inner = 4 * Math.ceil(config.intermediate_size / 4);
  const gain = { rows: 1, columns };
  const table = { rows, columns };
  const layer = [
    gain,
    { rows: (heads + 2 * kvHeads) * headWidth, columns },
    { rows: columns, columns: heads * headWidth },
    gain,
    { rows: 2 * inner, columns },
    { rows: columns, columns: inner },
  ];
  const tables = config.tie_word_embeddings ? [table] : [table, table];
  return [...tables, gain, ...Array.from({ length: layers }, () => layer).flat()];
}
