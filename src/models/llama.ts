/**
 * A Llama-architecture decoder (arXiv 2302.13971): RMSNorm before each part, rotary positions,
 * grouped-query attention, SwiGLU, no biases.
 *
 * Shapes: B sequences of T tokens, C = hidden size. Rows of all matrices are B * T tokens.
 */
import type { Tensor } from "../gpu/program.ts";
import { attention, type SequenceLayout } from "../tensor/attention.ts";
import { type CachePlace, decodeAttention } from "../tensor/decode.ts";
import type { HeadLayout } from "../tensor/heads.ts";
import { linear } from "../tensor/linear.ts";
import { rmsNorm } from "../tensor/norm.ts";
import type { Tape } from "../tensor/tape.ts";
import { headLayout, type LlamaConfig } from "./llama_config.ts";

/** A decoder's kernel matrices by name. */
export type LlamaWeights = ReadonlyMap<string, Tensor>;

/** Positions of the rows and the table of rotations. */
export interface RopeInputs {
  /** (positions, headWidth). */
  table: Tensor;
  /** One position a row. */
  positions: GPUBuffer;
}

/** How the heads of a layer meet: over the whole sequence, or one token against a cache. */
type Attend = (tape: Tape, rotated: Tensor, heads: HeadLayout, layer: number) => Tensor;

/**
 * The decoder's layers, without embedding and head.
 *
 * @param x (B * T, C)
 * @returns the last layer's output (B * T, C), before the final norm, and each layer's rotated
 * projection (B * T, (heads + 2 kvHeads) headWidth), which is its key/value cache
 */
export function llamaLayers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  sequence: SequenceLayout,
): { output: Tensor; caches: Tensor[] } {
  const caches: Tensor[] = [];
  const output = layers(tape, config, weights, x, ropeInputs, (tape, rotated, heads) => {
    caches.push(rotated);
    return attention(tape, rotated, sequence, heads);
  });
  return { output, caches };
}

/** What a decoding step reads besides its tokens. */
export interface DecodeInputs extends CachePlace {
  caches: Tensor[];
}

/**
 * The decoder's layers for one new token a block, against the caches of {@linkcode llamaLayers}.
 *
 * @param x (batch * blocks, C)
 */
export function llamaDecodeLayers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  { caches, ...place }: DecodeInputs,
): Tensor {
  return layers(
    tape,
    config,
    weights,
    x,
    ropeInputs,
    (tape, rotated, heads, layer) => decodeAttention(tape, rotated, caches[layer], place, heads),
  );
}

function layers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  attend: Attend,
): Tensor {
  const heads = headLayout(config);
  const { rms_norm_eps: eps } = config;
  let h = x;
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const get = (part: string) => weights.get(`model.layers.${layer}.${part}`)!;
    const normed = rmsNorm(tape, h, get("input_layernorm.weight"), eps);
    const rotated = linear(tape, normed, get("self_attn.qkv"), {
      activation: { kind: "rotation", rotation: { ...ropeInputs, heads } },
      name: "qkv",
    });
    const attended = attend(tape, rotated, heads, layer);
    h = linear(tape, attended, get("self_attn.o_proj.weight"), {
      residual: h,
      name: "attention out",
    });
    const normed2 = rmsNorm(tape, h, get("post_attention_layernorm.weight"), eps);
    const gated = linear(tape, normed2, get("mlp.gate_up"), {
      activation: { kind: "swiglu" },
      name: "gate up",
    });
    h = linear(tape, gated, get("mlp.down_proj.weight"), { residual: h, name: "mlp out" });
  }
  return h;
}

/** Final norm and output head. x (rows, C) -> logits (rows, vocabulary). */
export function llamaHead(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
): Tensor {
  const normed = rmsNorm(tape, x, weights.get("model.norm.weight")!, config.rms_norm_eps);
  const head = weights.get(
    config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight",
  )!;
  return linear(tape, normed, head, { name: "logits" });
}
