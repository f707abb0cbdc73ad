/** Shapes of the embedded models. The tower's width stays below the decoder's hidden size. */
import type { ClipConfig } from "../models/clip_config.ts";
import type { LlamaConfig } from "../models/llama_config.ts";

/** The embedded decoder, but for its vocabulary, which its tokenizer gives. */
export const DECODER: Omit<LlamaConfig, "vocab_size"> = {
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  head_dim: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
};

/** What both towers have in common. */
const TOWER = {
  num_attention_heads: 4,
  hidden_act: "quick_gelu",
  layer_norm_eps: 1e-5,
  projection_dim: 96,
} as const;

/**
 * The embedded towers, but for the vocabulary. Pictures are as large as Sort-of-CLEVR's: 25 patches
 * and a class token. The text tower serves the training and the tests of the vision tower only.
 */
export const CLIP_PAIR = {
  projection_dim: TOWER.projection_dim,
  // ln 50: features of captions from random weights have cosines of about .8.
  logit_scale_init_value: 3.9,
  vision_config: {
    ...TOWER,
    hidden_size: 96,
    intermediate_size: 384,
    num_hidden_layers: 4,
    num_channels: 3,
    image_size: 75,
    patch_size: 15,
  },
  text_config: {
    ...TOWER,
    hidden_size: 64,
    intermediate_size: 256,
    num_hidden_layers: 2,
    max_position_embeddings: 36,
  },
} as const satisfies Omit<ClipConfig, "text_config"> & {
  text_config: Omit<ClipConfig["text_config"], "vocab_size">;
};

/**
 * Mean and standard deviation that the pixels' shares of white are normalised by, every channel:
 * about those of the world's pictures, whose ground is mostly white.
 */
export const PIXELS = { mean: 0.9, deviation: 0.3 } as const;
