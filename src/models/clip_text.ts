/**
 * The text tower of CLIP (arXiv 2103.00020): token embeddings, learned positions, causal pre-norm
 * layers; the feature of a text is the state at its end token.
 *
 * Shapes: B texts of T tokens, d = hidden size. What stands behind a text's end changes nothing.
 */
import { sortedPlaces } from "../data/sorted_places.ts";
import type { Engine } from "../gpu/engine.ts";
import { createArray } from "../gpu/memory.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { embedding, type EmbeddingIndex, gatherRows } from "../tensor/embedding.ts";
import { linear } from "../tensor/linear.ts";
import { addPositions } from "../tensor/positions.ts";
import type { Tape } from "../tensor/tape.ts";
import type { ClipTextConfig } from "./clip_config.ts";
import { clipLayers, clipNorm, type ClipWeights } from "./clip_layers.ts";
import { inverseIndices, writeIndices } from "./index_arrays.ts";

/** Texts on the device. */
export interface TextInputs {
  batch: number;
  /** T. */
  tokens: number;
  index: EmbeddingIndex;
  /** Where the end tokens are. */
  ends: { rowsOf: GPUBuffer; inverse: GPUBuffer };
  /** The embedding's second source, which texts never name: (1, d). */
  noImages: Tensor;
}

/**
 * Memory for a batch of texts.
 *
 * @throws {RangeError} If texts are longer than the tower has positions.
 */
export function createTextInputs(
  engine: Engine,
  config: ClipTextConfig,
  batch: number,
  tokens: number,
): TextInputs {
  const { max_position_embeddings: most, hidden_size: columns, vocab_size } = config;
  if (tokens > most) {
    throw new RangeError(`Cannot take texts of ${tokens} tokens: the tower has ${most} positions`);
  }
  const ints = (length: number, label: string) => createArray(engine.device, length, label);
  const rows = batch * tokens;
  return {
    batch,
    tokens,
    index: {
      sources: ints(rows, "text tokens"),
      starts: ints(vocab_size + 1, "text starts"),
      places: ints(rows, "text places"),
      imageRows: ints(1, "no image rows"),
    },
    ends: { rowsOf: ints(batch, "text ends"), inverse: ints(rows, "text of row") },
    noImages: ownTensor(engine, "no images", { rows: 1, columns }),
  };
}

/** Frees what {@linkcode createTextInputs} made. */
export function destroyTextInputs(engine: Engine, { index, ends, noImages }: TextInputs): void {
  freeTensor(engine, noImages);
  for (const buffer of [...Object.values(index), ...Object.values(ends)]) buffer.destroy();
}

/**
 * Uploads a batch of texts.
 *
 * @param ids (B, T)
 * @param ends Position of each text's end token: (B)
 * @throws {RangeError} If the numbers are not as many, or an id or position is not there.
 */
export function writeTexts(
  { device }: Engine,
  { vocab_size }: ClipTextConfig,
  { batch, tokens, index, ends: at }: TextInputs,
  ids: Int32Array,
  ends: Int32Array,
): void {
  if (ids.length !== batch * tokens || ends.length !== batch) {
    throw new RangeError(
      `Cannot write texts: ${ids.length} ids and ${ends.length} ends are not ${batch} x ${tokens} and ${batch}`,
    );
  }
  const unknown = ids.find((id) => id < 0 || id >= vocab_size);
  if (unknown !== undefined) {
    throw new RangeError(`Cannot write texts: token ${unknown} is not among ${vocab_size}`);
  }
  const outside = ends.find((end) => end < 0 || end >= tokens);
  if (outside !== undefined) {
    throw new RangeError(`Cannot write texts: position ${outside} is not among ${tokens}`);
  }
  const rows = ends.map((end, b) => b * tokens + end);
  const { starts, places } = sortedPlaces(ids, vocab_size);
  const write = (buffer: GPUBuffer, indices: Int32Array) => writeIndices(device, buffer, indices);
  write(index.sources, ids);
  write(index.starts, starts);
  write(index.places, places);
  write(at.rowsOf, rows);
  write(at.inverse, inverseIndices(rows, batch * tokens));
}

/** LayerNorm of the last state at each text's end: (B, d), `pooler_output` of Hugging Face. */
export function textPooled(
  tape: Tape,
  config: ClipTextConfig,
  weights: ClipWeights,
  { batch, tokens, index, ends, noImages }: TextInputs,
): Tensor {
  const table = weights.get("text_model.embeddings.token_embedding.weight")!;
  const positions = weights.get("text_model.embeddings.position_embedding.weight")!;
  const embedded = embedding(tape, table, noImages, index, batch * tokens);
  const x = addPositions(tape, embedded, positions, tokens);
  const layout = { batch, prefix: tokens, blocks: 0, block: 0 };
  const { num_hidden_layers: layers } = config;
  const last = clipLayers(tape, config, weights, "text_model", x, layout, layers).at(-1)!;
  const end = gatherRows(tape, last, batch, ends);
  return clipNorm(tape, config, weights, "text_model.final_layer_norm", end);
}

/** Features of texts, not normalised: pooled (B, d) -> (B, projection_dim). */
export function textProjection(tape: Tape, weights: ClipWeights, pooled: Tensor): Tensor {
  return linear(tape, pooled, weights.get("text_projection.weight")!, { name: "text embeds" });
}
