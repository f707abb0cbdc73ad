/**
 * The multimodal model: connector P1 and decoder, and their inputs. `multimodal_trace.ts` traces it;
 * `training_step.ts` and `questioner.ts` make programs of it.
 *
 *   x (frozen) -> z = P1(x) -> [ z | question ] -> decoder -> answer
 *   L = L_TP + lambda L_cos
 */
import type { ConnectorWidths } from "../connectors/connector.ts";
import { CONNECTORS } from "../connectors/connectors.ts";
import { encodedTokens, type PackedBatch, type PackingLayout } from "../data/packing.ts";
import { readTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import { writeMatrix } from "../gpu/memory.ts";
import { DEFAULT_LORA, type LoraConfig } from "../nn/lora.ts";
import { checkedMatrix, type MatrixValues, readParameters } from "../nn/matrix_values.ts";
import {
  createParameters,
  drawValues,
  freeParameters,
  type Parameter,
  type ParameterSpec,
} from "../nn/parameters.ts";
import type { Objective } from "../objectives/objective.ts";
import { type BatchInputs, createInputs, destroyInputs } from "./batch_inputs.ts";
import { uploadDecoder } from "./decoder_weights.ts";
import { writeIndices } from "./index_arrays.ts";
import {
  type AdapterSet,
  createAdapters,
  freeAdapters,
  loraSpecs,
  readAdapters,
} from "./llama_adapters.ts";
import { checkLlamaConfig, type LlamaConfig } from "./llama_config.ts";
import {
  type Checkpoint,
  llamaSpecs,
  llamaSpecsByName,
  packedMatrices,
  unpackLlama,
} from "./llama_weights.ts";

/** Parts of a model that a stage trains or leaves as they are. */
export const MODULES = ["P1", "P2", "lora", "decoder"] as const;

/** One of {@linkcode MODULES}. */
export type Module = typeof MODULES[number];

/** What a model is made of. */
export interface MultimodalConfig {
  connector: string;
  objective: Objective;
  /** The objective's options; its defaults when absent. */
  objectiveOptions?: unknown;
  decoder: LlamaConfig;
  /** Width of the image encoding, d_v. */
  visionWidth: number;
  /** Width of the layer inside P1. */
  projectorWidth: number;
  layout: PackingLayout;
  seed: number;
  /** What is trained; the rest gets no gradient. All there is when absent. */
  trained?: readonly Module[];
  /** Names that random streams of modules bear too: these get other values than at first. */
  anew?: Readonly<Partial<Record<Module, string>>>;
  /** Adapters of the decoder; there are some only if they are trained or have values. */
  lora?: LoraConfig;
}

/** Values that a model begins with in place of drawn ones: P1 and P2 by name, others as in their files. */
export interface ModelValues {
  connector?: Checkpoint;
  objective?: Checkpoint;
  decoder?: Checkpoint;
  lora?: ReadonlyMap<string, MatrixValues>;
}

/** Parameters on the device, shared by all programs of a model. */
export interface MultimodalModel {
  engine: Engine;
  config: MultimodalConfig;
  connector: Parameter[];
  objective: Parameter[];
  decoder: Parameter[];
  lora?: AdapterSet;
  inputs: BatchInputs;
}

/** Whether a part of a model is trained. */
export function isTrained({ trained = MODULES }: MultimodalConfig, module: Module): boolean {
  return trained.includes(module);
}

/**
 * Makes a model. What has no value is drawn: the same seed gives P1, decoder and adapters the same
 * first values with any objective.
 *
 * @throws {RangeError} If sizes do not fit, or a value is missing or has another shape.
 */
export function createModel(
  engine: Engine,
  config: MultimodalConfig,
  values: ModelValues = {},
): MultimodalModel {
  const { decoder, layout, seed, visionWidth, lora = DEFAULT_LORA } = config;
  checkLlamaConfig(decoder);
  const drawn = (module: Module, spec: ParameterSpec): MatrixValues => {
    const { name, rows, columns } = spec;
    const anew = config.anew?.[module];
    const stream = anew ? `${anew}/${name}` : name;
    return { rows, columns, data: drawValues(seed, { ...spec, name: stream }) };
  };
  const given = (module: Module, specs: ParameterSpec[], from: Checkpoint | undefined) =>
    specs.map((spec) => {
      const { rows, columns, data } = from
        ? checkedMatrix("projector", spec, from.get(spec.name))
        : drawn(module, spec);
      const frozen = spec.fixed || !isTrained(config, module);
      return { name: spec.name, rows, columns, values: data, frozen };
    });
  const widths = connectorWidths(config);
  const specs = llamaSpecsByName(decoder);
  const checkpoint = values.decoder ??
    { get: (name: string) => drawn("decoder", specs.get(name)!) };
  const textDeviation = () => meanDeviation(checkpoint.get("model.embed_tokens.weight")!);
  const connector = given("P1", CONNECTORS[config.connector].parameters(widths), values.connector);
  // P1 and a decoder that is trained learn alike, so their weights are kept together.
  const packed = isTrained(config, "decoder")
    ? Array.from(
      packedMatrices(decoder, checkpoint),
      ([name, { rows, columns, data }]) => ({ name, rows, columns, values: data }),
    )
    : [];
  const answering = createParameters(engine, [...connector, ...packed]);
  const objective = given(
    "P2",
    config.objective.parameters({ ...widths, textDeviation }, objectiveOptions(config)),
    values.objective,
  );
  const adapters = values.lora ??
    (config.trained?.includes("lora")
      ? new Map(loraSpecs(decoder, lora).map((spec) => [spec.name, drawn("lora", spec)]))
      : undefined);
  return {
    engine,
    config,
    connector: answering.slice(0, connector.length),
    objective: createParameters(engine, objective),
    decoder: packed.length > 0
      ? answering.slice(connector.length)
      : frozenDecoder(engine, decoder, checkpoint),
    lora: adapters &&
      createAdapters(engine, decoder, lora, adapters, { frozen: !isTrained(config, "lora") }),
    inputs: createInputs(engine, decoder, layout, visionWidth),
  };
}

/** A decoder that is not trained, on the device. */
export function frozenDecoder(
  engine: Engine,
  config: LlamaConfig,
  checkpoint: Checkpoint,
): Parameter[] {
  return Array.from(
    uploadDecoder(engine, config, checkpoint),
    ([name, tensor]) => ({ name, tensor, master: tensor, decay: false }),
  );
}

/** The options that the objective goes by. */
export function objectiveOptions({ objective, objectiveOptions = {} }: MultimodalConfig): unknown {
  return objective.options.parse(objectiveOptions);
}

/** Standard deviation of the columns of a matrix, its mean over them. */
function meanDeviation({ rows, columns, data }: MatrixValues): number {
  const sums = new Float64Array(columns), squares = new Float64Array(columns);
  data.forEach((value, i) => {
    sums[i % columns] += value;
    squares[i % columns] += value ** 2;
  });
  const deviations = sums.map((sum, i) => Math.sqrt(squares[i] / rows - (sum / rows) ** 2));
  return deviations.reduce((a, b) => a + b, 0) / columns;
}

/** Sizes that a connector depends on. */
export function connectorWidths(
  { visionWidth, projectorWidth, decoder, layout }: MultimodalConfig,
): ConnectorWidths {
  const headWidth = 4 * Math.ceil(decoder.head_dim / 4);
  return {
    vision: visionWidth,
    projector: projectorWidth,
    tokens: encodedTokens(layout),
    hidden: decoder.hidden_size,
    layers: decoder.num_hidden_layers,
    heads: { heads: decoder.num_attention_heads, headWidth, headDim: headWidth },
  };
}

/** Uploads a batch: (batch * image tokens, d_v) features and the packed questions. */
export function writeBatch(
  { engine, inputs }: MultimodalModel,
  images: Float32Array,
  packed: PackedBatch,
): void {
  const { device } = engine;
  const write = (buffer: GPUBuffer, data: Int32Array) => writeIndices(device, buffer, data);
  writeMatrix(device, inputs.images.matrix!, images);
  write(inputs.index.sources, packed.sources);
  write(inputs.index.starts, packed.starts);
  write(inputs.index.places, packed.places);
  write(inputs.answerRows, packed.answerRows);
  write(inputs.answerOfRow, packed.answerOfRow);
  write(inputs.labels, packed.labels);
  write(inputs.promptRows, packed.promptRows);
  write(inputs.promptLengths, packed.promptLengths);
}

/** Values of a model by name, as they are kept in files. */
export interface ModelWeights {
  connector: Map<string, MatrixValues>;
  objective: Map<string, MatrixValues>;
  /** In checkpoint layout; only where the decoder is trained. */
  decoder?: Map<string, MatrixValues>;
  /** In PEFT's layout; only where there are adapters. */
  lora?: Map<string, MatrixValues>;
}

/** Reads a model's values back. Waits for the queue. */
export async function readWeights(model: MultimodalModel): Promise<ModelWeights> {
  const { engine, config, lora } = model;
  const read = (parameters: Parameter[]) => readParameters(engine, parameters);
  return {
    connector: await read(model.connector),
    objective: await read(model.objective),
    ...(isTrained(config, "decoder") &&
      { decoder: unpackLlama(config.decoder, await read(model.decoder)) }),
    ...(lora &&
      { lora: await readAdapters(engine, config.decoder, config.lora ?? DEFAULT_LORA, lora) }),
  };
}

/** The decoder's token embeddings, (vocabulary, d). Waits for the queue. */
export async function readTextEmbeddings(
  { engine, decoder }: MultimodalModel,
): Promise<MatrixValues> {
  const { tensor } = decoder.find(({ name }) => name === "model.embed_tokens.weight")!;
  const { rows, columns } = tensor;
  return { rows, columns, data: await readTensor(engine, tensor) };
}

/** Frees parameters and inputs. */
export function destroyModel(
  { engine, connector, objective, decoder, lora, inputs }: MultimodalModel,
): void {
  freeParameters(engine, [...connector, ...objective, ...decoder]);
  if (lora) freeAdapters(engine, lora);
  destroyInputs(engine, inputs);
}

/** Numbers in a model: all that answer questions, and those that are trained. */
export function countParameters(model: MultimodalModel): { total: number; trained: number } {
  const { config, connector, objective, lora } = model;
  const size = (specs: { rows: number; columns: number }[]) =>
    specs.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const sizes: Record<Module, number> = {
    P1: size(connector.map(({ tensor }) => tensor)),
    // What is fixed in an objective is never trained.
    P2: size(objective.map(({ tensor }) => tensor).filter(({ needsGradient }) => needsGradient)),
    lora: lora ? size(loraSpecs(config.decoder, config.lora ?? DEFAULT_LORA)) : 0,
    decoder: size(llamaSpecs(config.decoder)),
  };
  const trained = MODULES.filter((module) => isTrained(config, module));
  return {
    total: sizes.P1 + sizes.lora + sizes.decoder,
    trained: trained.reduce((sum, module) => sum + sizes[module], 0),
  };
}
