/**
 * The multimodal model: connector P1, decoder, and the programs that train and question it.
 *
 *   x (frozen) -> z = P1(x) -> [ z | question ] -> decoder -> answer
 *   L = L_TP + lambda L_cos
 */
import { CONNECTORS } from "../connectors/connectors.ts";
import { imageRows, type PackedBatch, type PackingLayout } from "../data/packing.ts";
import { createArray, readBuffer, readMatrix, writeMatrix } from "../gpu/memory.ts";
import { compileProgram, type Engine, freeTensor, ownTensor, type Program, type StepNumbers, type Tensor, writeStep } from "../gpu/program.ts";
import { type Moments, type ParameterGroup, traceAdamW } from "../nn/adamw.ts";
import { createParameter, drawValues, type Parameter, type ParameterSpec } from "../nn/parameters.ts";
import type { Objective } from "../objectives/objective.ts";
import { ropeTable, sequenceLength, sequencePositions } from "../tensor/attention.ts";
import { embedding, type EmbeddingIndex, gatherRows } from "../tensor/embedding.ts";
import { crossEntropy } from "../tensor/losses.ts";
import { type LossRing, rowTotal } from "../tensor/reduce.ts";
import { createTape, keep, type Tape } from "../tensor/tape.ts";
import { llamaDecodeLayers, llamaHead, llamaLayers, type LlamaWeights } from "./llama.ts";
import { checkLlamaConfig, headLayout, type LlamaConfig } from "./llama_config.ts";
import { llamaSpecs, type NamedMatrix, packLlama, unpackLlama } from "./llama_weights.ts";

/** Steps between two readings of the losses. */
const RING_SLOTS = 64;

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

/** Settings of the optimiser. */
export interface OptimizerConfig {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Largest global norm of the gradient of P1 and decoder, and of P2; 0 for none. */
  clip: number;
}

/** Losses of one step, as read back. */
export interface StepLosses {
  tokenLoss: number;
  /** L_cos before lambda; null where the objective has none. */
  cosineLoss: number | null;
  /** Norm of the gradient of P1 and decoder before clipping. */
  gradientNorm: number;
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
  const draw = (spec: ParameterSpec) => createParameter(engine, spec, drawValues(seed, spec));
  const widths = { vision: visionWidth, projector: config.projectorWidth, hidden: decoder.hidden_size };
  const checkpoint = new Map(llamaSpecs(decoder).map((spec): [string, NamedMatrix] => [
    spec.name,
    { rows: spec.rows, columns: spec.columns, data: drawValues(seed, spec) },
  ]));
  const decoderParameters = [...packLlama(decoder, checkpoint)].map(([name, { rows, columns, data }]) =>
    createParameter(engine, { name, rows, columns, initialisation: { kind: "zeros" } }, data)
  );
  return {
    engine,
    config,
    connector: CONNECTORS[config.connector].parameters(widths).map(draw),
    objective: config.objective.parameters(widths).map(draw),
    decoder: decoderParameters,
    inputs: createInputs(engine, decoder, layout, visionWidth),
  };
}

function createInputs(engine: Engine, decoder: LlamaConfig, layout: PackingLayout, visionWidth: number): BatchInputs {
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
    index: { sources: ints(rows, "sources"), starts: ints(vocabulary + 1, "starts"), places: ints(rows, "places"), imageRows: imageRowsBuffer },
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
export function writeBatch({ engine, inputs }: MultimodalModel, images: Float32Array, packed: PackedBatch): void {
  const { queue } = engine.device;
  const write = (buffer: GPUBuffer, data: Int32Array) => queue.writeBuffer(buffer, 0, data as Int32Array<ArrayBuffer>);
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

const tensors = (parameters: Parameter[]): LlamaWeights => new Map(parameters.map(({ name, tensor }) => [name, tensor]));

function traceProjection(tape: Tape, model: MultimodalModel): Tensor {
  return CONNECTORS[model.config.connector].trace(tape, model.inputs.images, tensors(model.connector));
}

/** z -> decoder layers over the packed sequence. */
function traceDecoder(tape: Tape, model: MultimodalModel, z: Tensor): { output: Tensor; caches: Tensor[] } {
  const { config: { decoder, layout }, inputs } = model;
  const weights = tensors(model.decoder);
  const rows = layout.batch * sequenceLength(layout);
  const embedded = embedding(tape, weights.get("model.embed_tokens.weight")!, z, inputs.index, rows);
  const ropeInputs = { table: inputs.ropeTable, positions: inputs.positions };
  return llamaLayers(tape, decoder, weights, embedded, ropeInputs, layout);
}

/** Token loss of the batch's answers: (answer rows, 4). */
function traceTokenLoss(tape: Tape, model: MultimodalModel, z: Tensor): Tensor {
  const { config: { decoder, layout }, inputs } = model;
  const { output } = traceDecoder(tape, model, z);
  const answers = gatherRows(tape, output, layout.batch * layout.blocks * layout.answers, {
    rowsOf: inputs.answerRows,
    inverse: inputs.answerOfRow,
  });
  return crossEntropy(tape, llamaHead(tape, decoder, tensors(model.decoder), answers), inputs.labels);
}

/** A recorded training step. */
export interface TrainingStep {
  program: Program;
  moments: Map<string, Moments>;
  /** Runs one step on the batch that was written; does not wait. */
  run(step: number, numbers: Omit<StepNumbers, "slot">): void;
  /** Losses of the steps since the last reading, oldest first. Waits for the queue. */
  readLosses(): Promise<StepLosses[]>;
  /** Frees the program's memory and the moments. */
  destroy(): void;
}

/** Steps after which {@linkcode TrainingStep.readLosses} must be called, or losses are overwritten. */
export const READ_EVERY = RING_SLOTS;

/** Traces and compiles the training step: forward, backward, clipping, AdamW. */
export function compileTrainingStep(model: MultimodalModel, optimizer: OptimizerConfig): TrainingStep {
  const { engine, config, inputs } = model;
  const tape = createTape(engine);
  const ring: LossRing = { buffer: createArray(engine.device, 4 * RING_SLOTS, "losses"), slots: RING_SLOTS };
  const z = traceProjection(tape, model);
  const cosine = config.objective.trace(tape, { x: inputs.images, z, parameters: tensors(model.objective) });
  if (cosine) rowTotal(tape, cosine, ring, 1, 1 / cosine.rows);
  rowTotal(tape, traceTokenLoss(tape, model, z), ring, 0, "token");
  tape.backward();
  const { beta1, beta2, eps, weightDecay, clip } = optimizer;
  const group = (parameters: Parameter[], index: 0 | 1): ParameterGroup => ({
    parameters,
    settings: { beta1, beta2, eps, weightDecay },
    optimizerGroup: index,
    clipGroup: index,
    clip,
  });
  // P2 is clipped by its own norm, or a large P2 gradient would shrink the steps of P1.
  const moments = traceAdamW(tape, [group([...model.connector, ...model.decoder], 0), group(model.objective, 1)], ring);
  const program = compileProgram(engine, tape.commands);
  let unread = 0;
  let next = 0;
  return {
    program,
    moments,
    run(step, numbers) {
      next = (step + 1) % RING_SLOTS;
      unread++;
      writeStep(engine, { ...numbers, slot: step % RING_SLOTS });
      program.run();
    },
    async readLosses() {
      const values = new Float32Array(await readBuffer(engine.device, ring.buffer));
      const count = Math.min(unread, RING_SLOTS);
      unread = 0;
      return Array.from({ length: count }, (_, i) => {
        const slot = (next - count + i + RING_SLOTS) % RING_SLOTS;
        const [tokenLoss, cosineValue, gradientNorm] = values.subarray(4 * slot, 4 * slot + 4);
        return { tokenLoss, cosineLoss: cosine ? cosineValue : null, gradientNorm };
      });
    },
    destroy() {
      program.destroy();
      ring.buffer.destroy();
      for (const { m, v } of moments.values()) for (const tensor of [m, v]) freeTensor(engine, tensor);
    },
  };
}

/** Programs that question a model without training it. */
export interface Questioner {
  /** Mean token loss of the answers of the batch that was written, nats. Waits for the queue. */
  tokenLoss(answerTokens: number): Promise<number>;
  /**
   * Greedy answers of the batch that was written: `tokens[t][block]`. Waits for the queue.
   *
   * @param promptLengths as packed
   */
  generate(promptLengths: Int32Array, maxTokens: number): Promise<Int32Array[]>;
  /** z = P1(x) and the objective's row losses of the batch that was written. Waits for the queue. */
  project(): Promise<{ z: Float32Array; cosineLoss: Float32Array | null }>;
  destroy(): void;
}

/** Traces and compiles the programs of evaluation: token loss, prefill, decoding, projection. */
export function compileQuestioner(model: MultimodalModel): Questioner {
  const { engine, config, inputs } = model;
  const { device } = engine;
  const { layout, decoder } = config;
  const blocks = layout.batch * layout.blocks;
  const weights = tensors(model.decoder);
  const ring: LossRing = { buffer: createArray(device, 4, "evaluation loss"), slots: 1 };
  const next = createArray(device, blocks, "next tokens");
  const tokens = createArray(device, blocks * layout.answers, "generated tokens");
  const decodePositions = createArray(device, blocks, "decode positions");
  const argmax = (tape: Tape, logits: Tensor) =>
    tape.dispatch("argmax", {
      matrices: { x: logits },
      arrays: { next, tokens },
      sizes: { rows: blocks, width: logits.columns, width4: logits.width4 },
      grid: [Math.ceil(blocks / engine.plan.lanes), 1],
    });

  const lossTape = createTape(engine);
  rowTotal(lossTape, traceTokenLoss(lossTape, model, traceProjection(lossTape, model)), ring, 0, "token");

  const prefillTape = createTape(engine);
  const prefill = traceDecoder(prefillTape, model, traceProjection(prefillTape, model));
  prefill.caches.forEach((cache) => keep(engine, cache));
  const last = gatherRows(prefillTape, prefill.output, blocks, { rowsOf: inputs.promptRows, inverse: inputs.promptRows });
  argmax(prefillTape, llamaHead(prefillTape, decoder, weights, last));

  const decodeTape = createTape(engine);
  const table = weights.get("model.embed_tokens.weight")!;
  const newTokens = gatherRows(decodeTape, table, blocks, { rowsOf: next, inverse: next });
  const decoded = llamaDecodeLayers(decodeTape, decoder, weights, newTokens, { table: inputs.ropeTable, positions: decodePositions }, {
    caches: prefill.caches,
    lengths: inputs.promptLengths,
    sequence: layout,
  });
  argmax(decodeTape, llamaHead(decodeTape, decoder, weights, decoded));

  const projectTape = createTape(engine);
  const z = keep(engine, traceProjection(projectTape, model));
  const cosine = config.objective.trace(projectTape, { x: inputs.images, z, parameters: tensors(model.objective) });
  if (cosine) keep(engine, cosine);

  const [loss, fill, decode, projection] = [lossTape, prefillTape, decodeTape, projectTape].map((tape) =>
    compileProgram(engine, tape.commands)
  );
  return {
    async tokenLoss(answerTokens) {
      writeStep(engine, { tokenScale: 1 / answerTokens });
      loss.run();
      return new Float32Array(await readBuffer(device, ring.buffer))[0];
    },
    async generate(promptLengths, maxTokens) {
      writeStep(engine, { slot: 0 });
      fill.run();
      for (let t = 1; t < maxTokens; t++) {
        writeStep(engine, { slot: t });
        // A new token stands behind the prompt and the tokens generated before it.
        const positions = promptLengths.map((length) => Math.min(layout.prefix + length + t - 1, layout.prefix + layout.block - 1));
        device.queue.writeBuffer(decodePositions, 0, positions as Int32Array<ArrayBuffer>);
        decode.run();
      }
      const all = new Int32Array(await readBuffer(device, tokens));
      return Array.from({ length: maxTokens }, (_, t) => all.slice(t * blocks, (t + 1) * blocks));
    },
    async project() {
      writeStep(engine, {});
      projection.run();
      const rows = cosine && await readMatrix(device, cosine.matrix!);
      return {
        z: await readMatrix(device, z.matrix!),
        cosineLoss: rows ? rows.filter((_, i) => i % 4 === 0) : null,
      };
    },
    destroy() {
      for (const program of [loss, fill, decode, projection]) program.destroy();
      for (const tensor of [...prefill.caches, z, ...(cosine ? [cosine] : [])]) freeTensor(engine, tensor);
      for (const buffer of [ring.buffer, next, tokens, decodePositions]) buffer.destroy();
    },
  };
}

/** Weights by name as they are kept in files: connector (and objective) as they are, decoder in checkpoint layout. */
export async function readWeights(
  { engine, connector, objective, decoder, config }: MultimodalModel,
): Promise<{ connector: Map<string, NamedMatrix>; objective: Map<string, NamedMatrix>; decoder: Map<string, NamedMatrix> }> {
  const read = async (parameters: Parameter[]) => {
    const result = new Map<string, NamedMatrix>();
    for (const { name, tensor } of parameters) {
      result.set(name, { rows: tensor.rows, columns: tensor.columns, data: await readMatrix(engine.device, tensor.matrix!) });
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
export function destroyModel({ engine, connector, objective, decoder, inputs }: MultimodalModel): void {
  for (const { tensor } of [...connector, ...objective, ...decoder]) freeTensor(engine, tensor);
  freeTensor(engine, inputs.images);
  freeTensor(engine, inputs.ropeTable);
  const { index, positions, answerRows, answerOfRow, labels, promptRows, promptLengths } = inputs;
  for (const buffer of [...Object.values(index), positions, answerRows, answerOfRow, labels, promptRows, promptLengths]) buffer.destroy();
}

/** Numbers in a model: all that answer questions, and those that are trained. */
export function countParameters(model: MultimodalModel): { total: number; trained: number } {
  const size = (specs: { rows: number; columns: number }[]) => specs.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const total = size(model.connector.map(({ tensor }) => tensor)) + size(llamaSpecs(model.config.decoder));
  return { total, trained: total + size(model.objective.map(({ tensor }) => tensor)) };
}
