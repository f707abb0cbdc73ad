/**
 * The layers that both CLIP towers share (arXiv 2103.00020): LayerNorm, attention, residual,
 * LayerNorm, perceptron, residual, with biases everywhere.
 *
 * Shapes: B sequences of T tokens, d = hidden size. Rows of all matrices are B * T tokens.
 */
import type { Tensor } from "../gpu/tensor.ts";
import { attention, type SequenceLayout } from "../tensor/attention.ts";
import { linear } from "../tensor/linear.ts";
import { layerNorm } from "../tensor/norm.ts";
import type { Tape } from "../tensor/tape.ts";
import { clipGelu, clipHeads, type ClipTowerConfig } from "./clip_config.ts";

/** A tower's kernel matrices by name. */
export type ClipWeights = ReadonlyMap<string, Tensor>;

/** LayerNorm with the parameters `name.weight` and `name.bias`. */
export function clipNorm(
  tape: Tape,
  { layer_norm_eps: eps }: ClipTowerConfig,
  weights: ClipWeights,
  name: string,
  x: Tensor,
): Tensor {
  return layerNorm(tape, x, weights.get(`${name}.weight`)!, weights.get(`${name}.bias`)!, eps);
}

/**
 * The first layers of a tower.
 *
 * @param tower `vision_model` or `text_model`
 * @param x (B * T, d)
 * @returns x and the state behind each layer, (B * T, d) each
 */
export function clipLayers(
  tape: Tape,
  config: ClipTowerConfig,
  weights: ClipWeights,
  tower: "vision_model" | "text_model",
  x: Tensor,
  sequence: SequenceLayout,
  layers: number,
): Tensor[] {
  const heads = clipHeads(config);
  const form = clipGelu(config);
  const states = [x];
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${tower}.encoder.layers.${layer}`;
    const norm = (name: string, h: Tensor) =>
      clipNorm(tape, config, weights, `${prefix}.${name}`, h);
    const affine = (name: string, h: Tensor, options: Parameters<typeof linear>[3]) =>
      linear(tape, h, weights.get(`${prefix}.${name}.weight`)!, {
        bias: weights.get(`${prefix}.${name}.bias`)!,
        name,
        ...options,
      });
    const before = states[layer];
    const qkv = affine("self_attn.qkv", norm("layer_norm1", before), {});
    const attended = attention(tape, qkv, sequence, heads);
    const middle = affine("self_attn.out_proj", attended, { residual: before });
    const inner = affine("mlp.fc1", norm("layer_norm2", middle), {
      activation: { kind: "gelu", form },
    });
    states.push(affine("mlp.fc2", inner, { residual: middle }));
  }
  return states;
}
