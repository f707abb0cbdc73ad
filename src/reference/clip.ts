/** CLIP towers in float64: Radford et al., arXiv 2103.00020, in the layout of Hugging Face. */
import { attention, causal, full, mergeHeads, splitHeads } from "./attention.ts";
import { embedding } from "./embedding.ts";
import { GELU } from "./gelu.ts";
import { layerNorm } from "./layer_norm.ts";
import { linear } from "./linear.ts";
import { addPositions } from "./positions.ts";
import { add, row, type Values } from "./values.ts";

/** Sizes of a tower, in the names of `config.json`. */
export interface ClipTowerSize {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_act: "quick_gelu" | "gelu";
  layer_norm_eps: number;
}

/** A checkpoint's tensors by name. */
export type ClipTensors = (name: string) => Values;

/**
 * States of one picture, (T, d) each: behind `pre_layrnorm` and behind each layer.
 *
 * @param pixels (3, S, S)
 */
export function clipVisionStates(
  pixels: Values,
  tensors: ClipTensors,
  config: ClipTowerSize & { image_size: number; patch_size: number },
): Float64Array[] {
  const { hidden_size: width, image_size: size, patch_size: patch } = config;
  const side = size / patch;
  const filters = tensors("vision_model.embeddings.patch_embedding.weight");
  const tokens: number[] = [...Array.from(tensors("vision_model.embeddings.class_embedding"))];
  for (let py = 0; py < side; py++) {
    for (let px = 0; px < side; px++) {
      for (let filter = 0; filter < width; filter++) {
        let sum = 0;
        let at = filter * 3 * patch * patch;
        for (let channel = 0; channel < 3; channel++) {
          for (let y = py * patch; y < (py + 1) * patch; y++) {
            for (let x = px * patch; x < (px + 1) * patch; x++) {
              sum += filters[at++] * pixels[(channel * size + y) * size + x];
            }
          }
        }
        tokens.push(sum);
      }
    }
  }
  const positions = tensors("vision_model.embeddings.position_embedding.weight");
  const placed = add(tokens, positions);
  const x = norm(placed, tensors, "vision_model.pre_layrnorm", config);
  return clipLayers(x, tensors, "vision_model", config);
}

/** Feature of one text, not normalised: the state at position `end`, through norm and projection. */
export function clipTextFeature(
  ids: Values,
  end: number,
  tensors: ClipTensors,
  config: ClipTowerSize,
): Float64Array {
  const { hidden_size: width } = config;
  const embedded = embedding(
    tensors("text_model.embeddings.token_embedding.weight"),
    ids,
    width,
  );
  const positions = tensors("text_model.embeddings.position_embedding.weight");
  const x = addPositions(embedded, positions, { period: ids.length, width });
  const last = clipLayers(x, tensors, "text_model", config).at(-1)!;
  const normed = norm(row(last, end, width), tensors, "text_model.final_layer_norm", config);
  return project(normed, tensors("text_projection.weight"), width);
}

/** Feature of one picture, not normalised, from its last state. */
export function clipImageFeature(
  last: Values,
  tensors: ClipTensors,
  config: ClipTowerSize,
): Float64Array {
  const pooled = row(last, 0, config.hidden_size);
  const normed = norm(pooled, tensors, "vision_model.post_layernorm", config);
  return project(normed, tensors("visual_projection.weight"), config.hidden_size);
}

/** Causal in the text tower, every token to all in the vision tower. */
function clipLayers(
  x: Float64Array,
  tensors: ClipTensors,
  tower: "vision_model" | "text_model",
  config: ClipTowerSize,
): Float64Array[] {
  const { hidden_size: width, intermediate_size: inner, num_attention_heads: heads } = config;
  const headDim = width / heads;
  const size = { heads, kvHeads: heads, tokens: x.length / width, headDim };
  const states = [x];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const of = (name: string) => `${tower}.encoder.layers.${layer}.${name}`;
    const affine = (h: Float64Array, name: string, columns: number) =>
      linear(h, tensors(`${of(name)}.weight`), tensors(`${of(name)}.bias`), columns);
    const before = states[layer];
    const normed = norm(before, tensors, of("layer_norm1"), config);
    const [q, k, v] = ["q", "k", "v"].map((part) =>
      splitHeads(affine(normed, `self_attn.${part}_proj`, width), heads, headDim)
    );
    const { y } = attention(q, k, v, size, tower === "text_model" ? causal : full);
    const attended = mergeHeads(y, heads, headDim);
    const middle = add(before, affine(attended, "self_attn.out_proj", width));
    const form = config.hidden_act === "gelu" ? "exact" : "quick";
    const normed2 = norm(middle, tensors, of("layer_norm2"), config);
    const activated = GELU[form].forward(affine(normed2, "mlp.fc1", width));
    states.push(add(middle, affine(activated, "mlp.fc2", inner)));
  }
  return states;
}

function norm(
  x: Float64Array,
  tensors: ClipTensors,
  name: string,
  { layer_norm_eps: eps }: ClipTowerSize,
): Float64Array {
  return layerNorm(x, tensors(`${name}.weight`), tensors(`${name}.bias`), eps);
}

function project(x: Float64Array, weight: Values, width: number): Float64Array {
  return linear(x, weight, null, width);
}
