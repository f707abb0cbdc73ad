/** A pair of towers for tests: one layer, five tokens a picture. */
import type { ClipShape } from "./pretrain_vision.ts";

const TOWER = {
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  hidden_act: "quick_gelu",
  layer_norm_eps: 1e-5,
  projection_dim: 12,
} as const;

/** Towers that train in milliseconds a step. */
export const TINY_PAIR: ClipShape = {
  projection_dim: 12,
  logit_scale_init_value: 2.6592,
  vision_config: { ...TOWER, num_channels: 3, image_size: 20, patch_size: 10 },
  text_config: { ...TOWER, max_position_embeddings: 36 },
};
