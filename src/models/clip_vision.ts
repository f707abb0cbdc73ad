/**
 * The vision tower of CLIP (arXiv 2103.00020): patches and a class token, learned positions,
 * LayerNorm, pre-norm layers in which every token attends to all.
 *
 * Shapes: B pictures of S x S pixels in P = (S / p)^2 patches of p x p, T = 1 + P tokens, d = hidden
 * size. Token 0 of a picture is its class token, then patches row by row.
 */
import type { Engine } from "../gpu/engine.ts";
import { writeMatrix } from "../gpu/memory.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { embedding, type EmbeddingIndex, gatherRows } from "../tensor/embedding.ts";
import { linear } from "../tensor/linear.ts";
import { addPositions } from "../tensor/positions.ts";
import type { Tape } from "../tensor/tape.ts";
import { type ClipVisionConfig, patchesPerSide, visionTokens } from "./clip_config.ts";
import { clipLayers, clipNorm, type ClipWeights } from "./clip_layers.ts";
import { CLASS_EMBEDDING, PATCH_EMBEDDING } from "./clip_weights.ts";
import { inverseIndices, uploadIndices } from "./index_arrays.ts";

/** Pictures on the device. */
export interface VisionInputs {
  batch: number;
  /** (B * P, 3 p p). */
  patches: Tensor;
  index: EmbeddingIndex;
  /** Where the class tokens are. */
  classes: { rowsOf: GPUBuffer; inverse: GPUBuffer };
}

/** Memory for a batch of pictures, black at the start. */
export function createVisionInputs(
  engine: Engine,
  config: ClipVisionConfig,
  batch: number,
): VisionInputs {
  const tokens = visionTokens(config);
  const patches = tokens - 1;
  const upload = (label: string, indices: Int32Array) =>
    uploadIndices(engine.device, indices, label);
  const tokenOf = (picture: number, token: number) => picture * tokens + token;
  const classRows = Int32Array.from({ length: batch }, (_, b) => tokenOf(b, 0));
  const columns = config.num_channels * config.patch_size ** 2;
  return {
    batch,
    patches: ownTensor(engine, "patches", { rows: batch * patches, columns }),
    index: {
      // Row 0 of the table is the class token; patches count as image tokens.
      sources: upload(
        "token sources",
        Int32Array.from({ length: batch * tokens }, (_, row) => {
          const [b, token] = [Math.floor(row / tokens), row % tokens];
          return token === 0 ? 0 : -1 - (b * patches + token - 1);
        }),
      ),
      starts: upload("class start", Int32Array.of(0, batch)),
      places: upload("class places", classRows),
      imageRows: upload(
        "patch rows",
        Int32Array.from(
          { length: batch * patches },
          (_, patch) => tokenOf(Math.floor(patch / patches), 1 + patch % patches),
        ),
      ),
    },
    classes: {
      rowsOf: upload("class rows", classRows),
      inverse: upload("class of row", inverseIndices(classRows, batch * tokens)),
    },
  };
}

/** Frees what {@linkcode createVisionInputs} made. */
export function destroyVisionInputs(
  engine: Engine,
  { patches, index, classes }: VisionInputs,
): void {
  freeTensor(engine, patches);
  for (const buffer of [...Object.values(index), ...Object.values(classes)]) buffer.destroy();
}

/**
 * Uploads a batch of pictures.
 *
 * @param pixels (B, 3, S, S), normalised
 * @throws {RangeError} If there are more or fewer numbers.
 */
export function writePixels(
  engine: Engine,
  config: ClipVisionConfig,
  { patches, batch }: VisionInputs,
  pixels: Float32Array,
): void {
  const expected = batch * config.num_channels * config.image_size ** 2;
  if (pixels.length !== expected) {
    throw new RangeError(`Cannot write pictures: ${pixels.length} numbers are not ${expected}`);
  }
  writeMatrix(engine.device, patches.matrix!, unfoldPatches(config, pixels));
}

/** (B, 3, S, S) -> (B * P, 3 p p): a row is a patch as a filter of the convolution reads it. */
export function unfoldPatches(config: ClipVisionConfig, pixels: Float32Array): Float32Array {
  const unfolded = new Float32Array(pixels.length);
  forEachPixel(config, pixels.length, (pixel, place) => unfolded[place] = pixels[pixel]);
  return unfolded;
}

/** The inverse of {@linkcode unfoldPatches}. */
export function foldPatches(config: ClipVisionConfig, patches: Float32Array): Float32Array {
  const pixels = new Float32Array(patches.length);
  forEachPixel(config, patches.length, (pixel, place) => pixels[pixel] = patches[place]);
  return pixels;
}

/** Calls with the places of every number in pictures and in patches. */
function forEachPixel(
  config: ClipVisionConfig,
  count: number,
  visit: (pixel: number, place: number) => void,
): void {
  const { image_size: size, patch_size: p, num_channels: channels } = config;
  const side = patchesPerSide(config);
  for (let pixel = 0; pixel < count; pixel++) {
    const x = pixel % size;
    const y = Math.floor(pixel / size) % size;
    const channel = Math.floor(pixel / size ** 2) % channels;
    const picture = Math.floor(pixel / (size ** 2 * channels));
    const patch = (picture * side + Math.floor(y / p)) * side + Math.floor(x / p);
    visit(pixel, ((patch * channels + channel) * p + y % p) * p + x % p);
  }
}

/**
 * The states of a tower: as `hidden_states` of Hugging Face's output, up to a layer.
 *
 * @param layers Layers that are traced, all when absent
 * @returns layers + 1 states, (B * T, d) each
 */
export function visionStates(
  tape: Tape,
  config: ClipVisionConfig,
  weights: ClipWeights,
  { patches, index, batch }: VisionInputs,
  layers: number = config.num_hidden_layers,
): Tensor[] {
  const tokens = visionTokens(config);
  const embedded = linear(tape, patches, weights.get(PATCH_EMBEDDING)!, { name: "patches" });
  const sequence = embedding(
    tape,
    weights.get(CLASS_EMBEDDING)!,
    embedded,
    index,
    batch * tokens,
  );
  const positions = weights.get("vision_model.embeddings.position_embedding.weight")!;
  const placed = addPositions(tape, sequence, positions, tokens);
  const x = clipNorm(tape, config, weights, "vision_model.pre_layrnorm", placed);
  const layout = { batch, prefix: tokens, blocks: 0, block: 0, causal: false };
  return clipLayers(tape, config, weights, "vision_model", x, layout, layers);
}

/**
 * LayerNorm of the class token's last state, `pooler_output`.
 *
 * @param last (B * T, d)
 * @returns (B, d)
 */
export function visionPooled(
  tape: Tape,
  config: ClipVisionConfig,
  weights: ClipWeights,
  { classes, batch }: VisionInputs,
  last: Tensor,
): Tensor {
  const classToken = gatherRows(tape, last, batch, classes);
  return clipNorm(tape, config, weights, "vision_model.post_layernorm", classToken);
}

/** Features of pictures, not normalised: pooled (B, d) -> (B, projection_dim). */
export function visionProjection(tape: Tape, weights: ClipWeights, pooled: Tensor): Tensor {
  return linear(tape, pooled, weights.get("visual_projection.weight")!, { name: "image embeds" });
}
