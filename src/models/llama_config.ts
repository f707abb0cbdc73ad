/** The configuration of a Llama-architecture decoder, in the names of Hugging Face's `config.json`. */
import type { HeadLayout } from "../tensor/heads.ts";

/** Shape and constants of a decoder. */
export interface LlamaConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  rms_norm_eps: number;
  rope_theta: number;
  tie_word_embeddings: boolean;
}

/** Heads as the kernels see them: each padded to a multiple of four. */
export function headLayout(config: LlamaConfig): HeadLayout {
  return {
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    headWidth: Math.ceil(config.head_dim / 4) * 4,
  };
}

/**
 * Checks that a configuration describes a decoder that can be built.
 *
 * @throws {RangeError} If sizes do not fit each other.
 */
export function checkLlamaConfig(config: LlamaConfig): void {
  const {
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    hidden_size: hidden,
  } = config;
  if (heads % kvHeads !== 0) {
    throw new RangeError(
      `Cannot build decoder: ${heads} attention heads are no multiple of ${kvHeads} key/value heads`,
    );
  }
  if (headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot build decoder: head_dim ${headDim} is odd, rotary embedding needs pairs`,
    );
  }
  if (hidden < 1) throw new RangeError(`Cannot build decoder: hidden_size is ${hidden}`);
}
