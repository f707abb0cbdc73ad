/** What a batch of pictures and packed questions is on the device. */
import { encodedTokens, imageRows, type PackingLayout } from "../data/packing.ts";
import type { Engine } from "../gpu/engine.ts";
import { createArray, writeMatrix } from "../gpu/memory.ts";
import { freeTensor, ownTensor, type Tensor } from "../gpu/tensor.ts";
import { batchPositions, sequenceLength } from "../tensor/attention.ts";
import { type Attended, readersOf } from "../tensor/cross_attention.ts";
import type { EmbeddingIndex } from "../tensor/embedding.ts";
import { ropeTable } from "../tensor/rope.ts";
import { uploadIndices, writeIndices } from "./index_arrays.ts";
import { headLayout, type LlamaConfig } from "./llama_config.ts";

/** Inputs of a batch on the device. */
export interface BatchInputs {
  /** x: (batch * image tokens, d_v). */
  images: Tensor;
  /** Where image tokens stand beside the sequence: what rows of it, and new tokens, look at. */
  looks?: { rows: Attended; newTokens: Attended; noImages: Tensor };
  index: EmbeddingIndex;
  positions: GPUBuffer;
  ropeTable: Tensor;
  answerRows: GPUBuffer;
  answerOfRow: GPUBuffer;
  labels: GPUBuffer;
  promptRows: GPUBuffer;
  promptLengths: GPUBuffer;
}

/** What rows look at, so many of them a picture. */
function createAttended(
  engine: Engine,
  { batch, beside }: { batch: number; beside: number },
  rowsOfPicture: number,
): Attended {
  const first = Int32Array.from(
    { length: batch * rowsOfPicture },
    (_, row) => Math.floor(row / rowsOfPicture) * beside,
  );
  return {
    latents: beside,
    firstLatent: uploadIndices(engine.device, first, "first latents"),
    readers: uploadIndices(engine.device, readersOf(first, beside, batch * beside), "readers"),
  };
}

/** Memory for a batch of this layout, and what of it never changes. */
export function createInputs(
  engine: Engine,
  decoder: LlamaConfig,
  layout: PackingLayout,
  visionWidth: number,
): BatchInputs {
  const { batch, prefix, blocks, block, answers, vocabulary } = layout;
  const rows = batch * sequenceLength(layout);
  const heads = headLayout(decoder);
  const positionCount = prefix + Math.max(block, 1);
  const table = ownTensor(engine, "rope table", { rows: positionCount, columns: heads.headWidth });
  writeMatrix(engine.device, table.matrix!, ropeTable(positionCount, heads, decoder.rope_theta));
  const ints = (length: number, label: string) => createArray(engine.device, length, label);
  const places = imageRows(layout);
  const imageRowsBuffer = ints(Math.max(1, places.length), "image rows");
  // Deno panics where there is nothing to write.
  if (places.length > 0) writeIndices(engine.device, imageRowsBuffer, places);
  const { beside } = layout;
  return {
    images: ownTensor(engine, "x", {
      rows: batch * encodedTokens(layout),
      columns: visionWidth,
    }),
    looks: beside === undefined ? undefined : {
      rows: createAttended(engine, { batch, beside }, sequenceLength(layout)),
      newTokens: createAttended(engine, { batch, beside }, blocks),
      noImages: ownTensor(engine, "no images", { rows: 1, columns: decoder.hidden_size }),
    },
    index: {
      sources: ints(rows, "sources"),
      starts: ints(vocabulary + 1, "starts"),
      places: ints(rows, "places"),
      imageRows: imageRowsBuffer,
    },
    positions: uploadIndices(engine.device, batchPositions(layout), "positions"),
    ropeTable: table,
    answerRows: ints(batch * blocks * answers, "answer rows"),
    answerOfRow: ints(rows, "answer of row"),
    labels: ints(batch * blocks * answers, "labels"),
    promptRows: ints(batch * blocks, "prompt rows"),
    promptLengths: ints(batch * blocks, "prompt lengths"),
  };
}

/** Frees what {@linkcode createInputs} made. */
export function destroyInputs(engine: Engine, inputs: BatchInputs): void {
  freeTensor(engine, inputs.images);
  if (inputs.looks) {
    const { rows, newTokens, noImages } = inputs.looks;
    freeTensor(engine, noImages);
    for (const { firstLatent, readers } of [rows, newTokens]) {
      firstLatent.destroy();
      readers.destroy();
    }
  }
  freeTensor(engine, inputs.ropeTable);
  const { index, positions, answerRows, answerOfRow, labels, promptRows, promptLengths } = inputs;
  for (
    const buffer of [
      ...Object.values(index),
      positions,
      answerRows,
      answerOfRow,
      labels,
      promptRows,
      promptLengths,
    ]
  ) buffer.destroy();
}
