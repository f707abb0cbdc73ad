/**
 * The multimodal model: connector P1 and decoder, their inputs, and how they are traced.
 *
 * `training_step.ts` and `questioner.ts` make programs of it.
 *
 *   x (frozen) -> z = P1(x) -> [ z | question ] -> decoder -> answer
 *   L = L_TP + lambda L_cos
 */
import { CONNECTORS } from "../connectors/connectors.ts";
import { imageRows, type PackedBatch, type PackingLayout } from "../data/packing.ts";
import { createArray, readMatrix, writeMatrix } from "../gpu/memory.ts";
import { type Engine, freeTensor, ownTensor, type Tensor } from "../gpu/program.ts";
import {
  createParameters,
  drawValues,
  freeParameters,
  type Parameter,
  type ParameterSpec,
} from "../nn/parameters.ts";
import type { Objective } from "../objectives/objective.ts";
import { sequenceLength, sequencePositions } from "../tensor/attention.ts";
import { embedding, type EmbeddingIndex, gatherRows } from "../tensor/embedding.ts";
import { crossEntropy } from "../tensor/losses.ts";
import { ropeTable } from "../tensor/rope.ts";
import type { Tape } from "../tensor/tape.ts";
import { llamaHead, llamaLayers, type LlamaWeights } from "./llama.ts";
import { checkLlamaConfig, headLayout, type LlamaConfig } from "./llama_config.ts";
import { llamaSpecs, type NamedMatrix, packLlama, unpackLlama } from "./llama_weights.ts";

/** What a model is made of. */
export interface MultimodalConfig {
  connector: string;
  objective: Objective;
  decoder: LlamaConfig;
  /** Width of the image encoding, d_v. */
  visionWidth: number;
  /** Width of the layer inside P1. */
  projectorWidth: number;
  layout: PackingLayout;
  seed: number;
}

/** Parameters on the device, shared by all programs of a model. */
export interface MultimodalModel {
  engine: Engine;
  config: MultimodalConfig;
  connector: Parameter[];
  objective: Parameter[];
  decoder: Parameter[];
  inputs: BatchInputs;
}

/** Inputs of a batch on the device. */
export interface BatchInputs {
  /** (batch * prefix, d_v). */
  images: Tensor;
  index: EmbeddingIndex;
  positions: GPUBuffer;
  ropeTable: Tensor;
  answerRows: GPUBuffer;
  answerOfRow: GPUBuffer;
  labels: GPUBuffer;
  promptRows: GPUBuffer;
  promptLengths: GPUBuffer;
}

/** Draws a model's first values. The same seed gives P1 and decoder the same values with any objective. */
export function createModel(engine: Engine, config: MultimodalConfig): MultimodalModel {
  const { decoder, layout, seed, visionWidth } = config;
  checkLlamaConfig(decoder);
  const draw = (spec: ParameterSpec) => ({ ...spec, values: drawValues(seed, spec) });
  const widths = {
    vision: visionWidth,
    projector: config.projectorWidth,
    hidden: decoder.hidden_size,
  };
  const checkpoint = new Map(
    llamaSpecs(decoder).map((spec): [string, NamedMatrix] => [
      spec.name,
      { rows: spec.rows, columns: spec.columns, data: drawValues(seed, spec) },
    ]),
  );
  const connector = CONNECTORS[config.connector].parameters(widths).map(draw);
  const packed = [...packLlama(decoder, checkpoint)]
    .map(([name, { rows, columns, data }]) => ({ name, rows, columns, values: data }));
  // P1 and the decoder learn alike, so their weights are kept together.
  const answering = createParameters(engine, [...connector, ...packed]);
  return {
    engine,
    config,
    connector: answering.slice(0, connector.length),
    objective: createParameters(engine, config.objective.parameters(widths).map(draw)),
    decoder: answering.slice(connector.length),
    inputs: createInputs(engine, decoder, layout, visionWidth),
  };
}

function createInputs(
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
  const positions = ints(rows, "positions");
  const one = sequencePositions(layout);
  const all = new Int32Array(rows);
  for (let b = 0; b < batch; b++) all.set(one, b * one.length);
  engine.device.queue.writeBuffer(positions, 0, all);
  const imageRowsBuffer = ints(batch * prefix, "image rows");
  engine.device.queue.writeBuffer(imageRowsBuffer, 0, imageRows(layout) as Int32Array<ArrayBuffer>);
  return {
    images: ownTensor(engine, "x", { rows: batch * prefix, columns: visionWidth }),
    index: {
      sources: ints(rows, "sources"),
      starts: ints(vocabulary + 1, "starts"),
      places: ints(rows, "places"),
      imageRows: imageRowsBuffer,
    },
    positions,
    ropeTable: table,
    answerRows: ints(batch * blocks * answers, "answer rows"),
    answerOfRow: ints(rows, "answer of row"),
    labels: ints(batch * blocks * answers, "labels"),
    promptRows: ints(batch * blocks, "prompt rows"),
    promptLengths: ints(batch * blocks, "prompt lengths"),
  };
}

/** Uploads a batch: (batch * prefix, d_v) features and the packed questions. */
export function writeBatch(
  { engine, inputs }: MultimodalModel,
  images: Float32Array,
  packed: PackedBatch,
): void {
  const { queue } = engine.device;
  const write = (buffer: GPUBuffer, data: Int32Array) =>
    queue.writeBuffer(buffer, 0, data as Int32Array<ArrayBuffer>);
  writeMatrix(engine.device, inputs.images.matrix!, images);
  write(inputs.index.sources, packed.sources);
  write(inputs.index.starts, packed.starts);
  write(inputs.index.places, packed.places);
  write(inputs.answerRows, packed.answerRows);
  write(inputs.answerOfRow, packed.answerOfRow);
  write(inputs.labels, packed.labels);
  write(inputs.promptRows, packed.promptRows);
  write(inputs.promptLengths, packed.promptLengths);
}

/** Tensors of parameters by name. */
export const tensorsOf = (parameters: Parameter[]): LlamaWeights =>
  new Map(parameters.map(({ name, tensor }) => [name, tensor]));

/** z = P1(x): (batch * prefix, d). */
export function traceProjection(tape: Tape, model: MultimodalModel): Tensor {
  return CONNECTORS[model.config.connector].trace(
    tape,
    model.inputs.images,
    tensorsOf(model.connector),
  );
}

/** z -> decoder layers over the packed sequence. */
export function traceDecoder(
  tape: Tape,
  model: MultimodalModel,
  z: Tensor,
): { output: Tensor; caches: Tensor[] } {
  const { config: { decoder, layout }, inputs } = model;
  const weights = tensorsOf(model.decoder);
  const rows = layout.batch * sequenceLength(layout);
  const embedded = embedding(
    tape,
    weights.get("model.embed_tokens.weight")!,
    z,
    inputs.index,
    rows,
  );
  const ropeInputs = { table: inputs.ropeTable, positions: inputs.positions };
  return llamaLayers(tape, decoder, weights, embedded, ropeInputs, layout);
}

/**
 * Token loss of the batch's answers: (answer rows, 4).
 *
 * @param output of the decoder's layers, (batch * sequence, d)
 */
export function traceTokenLoss(tape: Tape, model: MultimodalModel, output: Tensor): Tensor {
  const { config: { decoder, layout }, inputs } = model;
  const answers = gatherRows(tape, output, layout.batch * layout.blocks * layout.answers, {
    rowsOf: inputs.answerRows,
    inverse: inputs.answerOfRow,
  });
  const logits = llamaHead(tape, decoder, tensorsOf(model.decoder), answers);
  return crossEntropy(tape, logits, inputs.labels);
}

/** Weights by name as they are kept in files: connector (and objective) as they are, decoder in checkpoint layout. */
export async function readWeights(
  { engine, connector, objective, decoder, config }: MultimodalModel,
): Promise<
  {
    connector: Map<string, NamedMatrix>;
    objective: Map<string, NamedMatrix>;
    decoder: Map<string, NamedMatrix>;
  }
> {
  const read = async (parameters: Parameter[]) => {
    const result = new Map<string, NamedMatrix>();
    for (const { name, tensor } of parameters) {
      result.set(name, {
        rows: tensor.rows,
        columns: tensor.columns,
        data: await readMatrix(engine.device, tensor.matrix!),
      });
    }
    return result;
  };
  return {
    connector: await read(connector),
    objective: await read(objective),
    decoder: unpackLlama(config.decoder, await read(decoder)),
  };
}

/** Frees parameters and inputs. */
export function destroyModel(
  { engine, connector, objective, decoder, inputs }: MultimodalModel,
): void {
  freeParameters(engine, [...connector, ...objective, ...decoder]);
  freeTensor(engine, inputs.images);
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

/** Numbers in a model: all that answer questions, and those that are trained. */
export function countParameters(model: MultimodalModel): { total: number; trained: number } {
  const size = (specs: { rows: number; columns: number }[]) =>
    specs.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const total = size(model.connector.map(({ tensor }) => tensor)) +
    size(llamaSpecs(model.config.decoder));
  return { total, trained: total + size(model.objective.map(({ tensor }) => tensor)) };
}
