/**
 * A Llama-architecture decoder (arXiv 2302.13971): RMSNorm before each part, rotary positions,
 * grouped-query attention, SwiGLU, no biases.
 *
 * Shapes: B sequences of T tokens, C = hidden size. Rows of all matrices are B * T tokens.
 */
import type { Tensor } from "../gpu/tensor.ts";
import { type Adapter, loraDelta } from "../nn/lora.ts";
import { attention, type SequenceLayout } from "../tensor/attention.ts";
import { type CachePlace, decodeAttention } from "../tensor/decode.ts";
import { gatherRows } from "../tensor/embedding.ts";
import type { HeadLayout } from "../tensor/heads.ts";
import { linear, type LinearOptions } from "../tensor/linear.ts";
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

/** Kernel matrices of a layer that adapters can change. */
export const ADAPTED_PARTS = [
  "self_attn.qkv",
  "self_attn.o_proj.weight",
  "mlp.gate_up",
  "mlp.down_proj.weight",
] as const;

/** One of {@linkcode ADAPTED_PARTS}. */
export type AdaptedPart = typeof ADAPTED_PARTS[number];

/** Low-rank adapters of a decoder's projections. */
export interface LlamaAdapters {
  /** Dropout rate before A; 0 but in training. */
  dropout: number;
  /** The adapter of a layer's matrix, if it has one. */
  of(layer: number, part: AdaptedPart): Adapter | undefined;
}

/** The rows whose output is asked for. */
export interface OutputRows {
  rows: number;
  /** The row of the sequence that each of them is, or -1 for none. */
  rowsOf: GPUBuffer;
  /** Which of them a row of the sequence is, or -1. */
  inverse: GPUBuffer;
}

/** What a layer's states become before it reads them. */
export type BeforeLayer = (h: Tensor, layer: number) => Tensor;

/** How the heads of a layer meet: over the whole sequence, or one token against a cache. */
type Attend = (tape: Tape, rotated: Tensor, heads: HeadLayout, layer: number) => Tensor;

/**
 * The decoder's layers, without embedding and head.
 *
 * @param x (B * T, C)
 * @param adapters What LoRA adds to the projections; nothing where they are left out.
 * @param asked All rows where they are left out. Behind its attention the last layer computes no other:
 * a token that predicts nothing is read by later ones there, and never again.
 * @param before Nothing where it is left out.
 * @returns the last layer's output (B * T or asked rows, C), before the final norm, and each layer's rotated
 * projection (B * T, (heads + 2 kvHeads) headWidth), which is its key/value cache
 */
export function llamaLayers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  sequence: SequenceLayout,
  adapters?: LlamaAdapters,
  asked?: OutputRows,
  before?: BeforeLayer,
): { output: Tensor; caches: Tensor[] } {
  const caches: Tensor[] = [];
  const attend: Attend = (tape, rotated, heads) => {
    caches.push(rotated);
    return attention(tape, rotated, sequence, heads);
  };
  const output = layers(tape, config, weights, x, ropeInputs, attend, adapters, asked, before);
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
 * @param adapters As for the layers that made the caches, and so is `before`.
 */
export function llamaDecodeLayers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  { caches, ...place }: DecodeInputs,
  adapters?: LlamaAdapters,
  before?: BeforeLayer,
): Tensor {
  const attend: Attend = (tape, rotated, heads, layer) =>
    decodeAttention(tape, rotated, caches[layer], place, heads);
  return layers(tape, config, weights, x, ropeInputs, attend, adapters, undefined, before);
}

function layers(
  tape: Tape,
  config: LlamaConfig,
  weights: LlamaWeights,
  x: Tensor,
  ropeInputs: RopeInputs,
  attend: Attend,
  adapters?: LlamaAdapters,
  asked?: OutputRows,
  beforeLayer: BeforeLayer = (h) => h,
): Tensor {
  const heads = headLayout(config);
  const { rms_norm_eps: eps } = config;
  let h = x;
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const get = (part: string) => weights.get(`model.layers.${layer}.${part}`)!;
    const project = (part: AdaptedPart, x: Tensor, options: LinearOptions) => {
      const adapter = adapters?.of(layer, part);
      const site = layer * ADAPTED_PARTS.length + ADAPTED_PARTS.indexOf(part);
      const before = adapter && loraDelta(tape, x, adapter, { rate: adapters!.dropout, site });
      return linear(tape, x, get(part), { ...options, before });
    };
    h = beforeLayer(h, layer);
    const normed = rmsNorm(tape, h, get("input_layernorm.weight"), eps);
    const rotated = project("self_attn.qkv", normed, {
      activation: { kind: "rotation", rotation: { ...ropeInputs, heads } },
      name: "qkv",
    });
    const isLast = layer === config.num_hidden_layers - 1;
    const onlyAsked = (x: Tensor) => isLast && asked ? gatherRows(tape, x, asked.rows, asked) : x;
    const attended = onlyAsked(attend(tape, rotated, heads, layer));
    h = project("self_attn.o_proj.weight", attended, {
      residual: onlyAsked(h),
      name: "attention out",
    });
    const normed2 = rmsNorm(tape, h, get("post_attention_layernorm.weight"), eps);
    const gated = project("mlp.gate_up", normed2, {
      activation: { kind: "swiglu" },
      name: "gate up",
    });
    h = project("mlp.down_proj.weight", gated, { residual: h, name: "mlp out" });
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
