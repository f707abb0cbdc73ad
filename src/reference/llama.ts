/** A Llama decoder (Touvron et al., arXiv 2302.13971) on one sequence, with Hugging Face names. */
import { attention, attentionBackward, type Mask, mergeHeads, splitHeads } from "./attention.ts";
import { embedding, embeddingBackward } from "./embedding.ts";
import { linear, linearBackward } from "./linear.ts";
import type { Weights } from "./lora.ts";
import { rmsNorm, rmsNormBackward } from "./rms_norm.ts";
import { rope, ropeBackward } from "./rope.ts";
import { swiglu, swigluBackward } from "./swiglu.ts";
import { add, type Values } from "./values.ts";

/** The fields of `config.json` that the computation depends on. */
export interface LlamaConfig {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  vocab_size: number;
  rms_norm_eps: number;
  rope_theta: number;
  tie_word_embeddings: boolean;
}

/** Image tokens followed by text tokens. */
export interface LlamaInput {
  /** (image tokens, hidden). */
  imageEmbeds: Values;
  /** Text tokens. */
  ids: Values;
  /** Of every position, image first. */
  positions: Values;
  mask: Mask;
}

/** What the decoder computes, and the pullback of a gradient by the logits. */
export interface LlamaResult {
  /** (image and text tokens, vocabulary). */
  logits: Float64Array;
  backward(gradLogits: Values): {
    gradImageEmbeds: Float64Array;
    /** By weight name. */
    gradients: Map<string, Float64Array>;
  };
}

/** Logits at every position, and their gradients. */
export function llama(
  weights: Weights,
  config: LlamaConfig,
  input: LlamaInput,
): LlamaResult {
  const { imageEmbeds, ids } = input;
  const { hidden_size: width, vocab_size: vocabulary, rms_norm_eps: eps } = config;
  const table = find(weights, EMBEDDING);
  const headName = config.tie_word_embeddings ? EMBEDDING : "lm_head.weight";
  const head = find(weights, headName);
  const gain = find(weights, FINAL_NORM);

  let x = concat(Float64Array.from(imageEmbeds), embedding(table, ids, width));
  const branches: (Branch & { prefix: string })[] = [];
  for (let index = 0; index < config.num_hidden_layers; index++) {
    const prefix = `model.layers.${index}`;
    const weight: Lookup = (name) => find(weights, `${prefix}.${name}.weight`);
    for (const block of [attentionBlock, mlpBlock]) {
      const branch = block(weight, config, input, x);
      branches.push({ ...branch, prefix });
      x = add(x, branch.y);
    }
  }
  const normed = rmsNorm(x, gain, eps);

  return {
    logits: linear(normed, head, null, width),
    backward(gradLogits) {
      const gradients = new Map<string, Float64Array>();
      const out = linearBackward(normed, head, gradLogits, width);
      const last = rmsNormBackward(x, gain, out.gradX, eps);
      gradients.set(headName, out.gradWeight);
      gradients.set(FINAL_NORM, last.gradWeight);
      let gradX = last.gradX;
      for (const { prefix, backward } of branches.toReversed()) {
        const branch = backward(gradX);
        gradX = add(gradX, branch.gradX);
        for (const [name, gradient] of Object.entries(branch.gradients)) {
          gradients.set(`${prefix}.${name}.weight`, gradient);
        }
      }
      const gradText = gradX.subarray(imageEmbeds.length);
      const gradTable = embeddingBackward(ids, gradText, { vocabulary, width });
      // A tied embedding is used twice and gets the sum.
      const asHead = gradients.get(EMBEDDING);
      gradients.set(
        EMBEDDING,
        asHead === undefined ? gradTable : add(asHead, gradTable),
      );
      return { gradImageEmbeds: gradX.slice(0, imageEmbeds.length), gradients };
    },
  };
}

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";

/** A weight of one layer by its short name. */
type Lookup = (name: string) => Values;

/** What a layer adds to its input. */
interface Branch {
  y: Float64Array;
  backward(gradY: Values): {
    gradX: Float64Array;
    /** By short name. */
    gradients: Record<string, Float64Array>;
  };
}

function attentionBlock(
  weight: Lookup,
  config: LlamaConfig,
  { positions, mask }: LlamaInput,
  x: Float64Array,
): Branch {
  const { hidden_size: width, head_dim: headDim, rms_norm_eps: eps } = config;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const turn = { headDim, theta: config.rope_theta };
  const size = { heads, kvHeads, tokens: positions.length, headDim };
  const gain = weight("input_layernorm");
  const wq = weight("self_attn.q_proj");
  const wk = weight("self_attn.k_proj");
  const wv = weight("self_attn.v_proj");
  const wo = weight("self_attn.o_proj");

  const normed = rmsNorm(x, gain, eps);
  const q = rope(
    splitHeads(linear(normed, wq, null, width), heads, headDim),
    positions,
    turn,
  );
  const k = rope(
    splitHeads(linear(normed, wk, null, width), kvHeads, headDim),
    positions,
    turn,
  );
  const v = splitHeads(linear(normed, wv, null, width), kvHeads, headDim);
  const attended = mergeHeads(attention(q, k, v, size, mask).y, heads, headDim);

  return {
    y: linear(attended, wo, null, heads * headDim),
    backward(gradY) {
      const out = linearBackward(attended, wo, gradY, heads * headDim);
      const gradAttended = splitHeads(out.gradX, heads, headDim);
      const { gradQ, gradK, gradV } = attentionBackward(
        q,
        k,
        v,
        gradAttended,
        size,
        mask,
      );
      const beforeQ = mergeHeads(
        ropeBackward(gradQ, positions, turn),
        heads,
        headDim,
      );
      const beforeK = mergeHeads(
        ropeBackward(gradK, positions, turn),
        kvHeads,
        headDim,
      );
      const throughQ = linearBackward(normed, wq, beforeQ, width);
      const throughK = linearBackward(normed, wk, beforeK, width);
      const throughV = linearBackward(
        normed,
        wv,
        mergeHeads(gradV, kvHeads, headDim),
        width,
      );
      const gradNormed = add(
        add(throughQ.gradX, throughK.gradX),
        throughV.gradX,
      );
      const norm = rmsNormBackward(x, gain, gradNormed, eps);
      return {
        gradX: norm.gradX,
        gradients: {
          "input_layernorm": norm.gradWeight,
          "self_attn.q_proj": throughQ.gradWeight,
          "self_attn.k_proj": throughK.gradWeight,
          "self_attn.v_proj": throughV.gradWeight,
          "self_attn.o_proj": out.gradWeight,
        },
      };
    },
  };
}

function mlpBlock(
  weight: Lookup,
  { hidden_size: width, rms_norm_eps: eps }: LlamaConfig,
  _input: LlamaInput,
  x: Float64Array,
): Branch {
  const gain = weight("post_attention_layernorm");
  const wGate = weight("mlp.gate_proj");
  const wUp = weight("mlp.up_proj");
  const wDown = weight("mlp.down_proj");
  const inner = wDown.length / width;

  const normed = rmsNorm(x, gain, eps);
  const gate = linear(normed, wGate, null, width);
  const up = linear(normed, wUp, null, width);
  const gated = swiglu(gate, up);

  return {
    y: linear(gated, wDown, null, inner),
    backward(gradY) {
      const down = linearBackward(gated, wDown, gradY, inner);
      const { gradGate, gradUp } = swigluBackward(gate, up, down.gradX);
      const throughGate = linearBackward(normed, wGate, gradGate, width);
      const throughUp = linearBackward(normed, wUp, gradUp, width);
      const norm = rmsNormBackward(
        x,
        gain,
        add(throughGate.gradX, throughUp.gradX),
        eps,
      );
      return {
        gradX: norm.gradX,
        gradients: {
          "post_attention_layernorm": norm.gradWeight,
          "mlp.gate_proj": throughGate.gradWeight,
          "mlp.up_proj": throughUp.gradWeight,
          "mlp.down_proj": down.gradWeight,
        },
      };
    },
  };
}

function find(weights: Weights, name: string): Values {
  const values = weights.get(name);
  if (values === undefined) {
    throw new RangeError(`Cannot find weight "${name}"`);
  }
  return values;
}

function concat(a: Float64Array, b: Float64Array): Float64Array {
  const joined = new Float64Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
