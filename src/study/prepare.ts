/** Makes a study's data ready: data set, encoder, token ids, features. */
import type { Dataset } from "../data/dataset.ts";
import { datasetEntry, loadDataset } from "../data/datasets.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { loadEncoder } from "../encoders/encoders.ts";
import { encodeExamples, type Features } from "../encoders/features.ts";
import type { Engine } from "../gpu/engine.ts";
import { EMBEDDED } from "../models/embedded.ts";
import { controlOf } from "../training/controls.ts";
import { foldData } from "../training/folds.ts";
import {
  freshLanguage,
  type Language,
  type PreparedData,
  prepareQuestions,
  SPLITS,
  withFeatures,
} from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { loadLlm } from "./llm.ts";
import type { Study } from "./study.ts";

/** A study's language model, and what a record says about it. */
export interface StudyLanguage extends Language {
  name: string;
  /** One line for the report. */
  description: string;
  /** SHA-256 over settings, tokenizer and weights; of a fresh decoder none. */
  contentHash: string | null;
}

/** Prompts of decoders that bring none: the question alone, as the embedded one has learnt it. */
const PLAIN_PROMPT = { lead: "", question: "{question}" };

/** Where features are kept and what is told meanwhile. */
export interface EncodeOptions {
  cacheDir: string;
  /** Called after every batch of pictures; what it throws ends the encoding. */
  onProgress?(what: string, done: number, total: number): void;
}

/**
 * What each run of a study is trained and tested on: its fold, and for the control with a random
 * encoder that encoder's features.
 *
 * @param data By features.
 */
export function dataByRun(
  { folds }: Study,
  data: { encoder: PreparedData; random?: PreparedData },
): (settings: Pick<RunSettings, "role" | "fold">) => PreparedData {
  const made = new Map<string, PreparedData>();
  return ({ role, fold }) => {
    const whole = controlOf(role).randomEncoder && data.random ? data.random : data.encoder;
    if (!folds) return whole;
    const key = `${whole === data.random} ${fold}`;
    if (!made.has(key)) made.set(key, foldData(whole, folds, fold));
    return made.get(key)!;
  };
}

/**
 * Loads a study's data set.
 *
 * @param options The folder of a data set that is read from disk.
 * @throws {Error} As the data set does; the message names the file and the field.
 */
export async function loadStudyData(
  { data }: Study,
  { dataDir }: { dataDir?: string },
): Promise<Dataset> {
  const { name, ...options } = data;
  if (dataDir !== undefined && datasetEntry(name)?.draw) {
    throw new RangeError(
      `Cannot read data set "${name}" from a folder: it is drawn on the spot; --data names another`,
    );
  }
  const dataset = await loadDataset(name, { ...options, dir: dataDir });
  for (const split of ["train", "test"] as const) {
    if (!dataset[split].some(({ questions }) => questions.length > 0)) {
      throw new RangeError(`Cannot use data set "${name}": its ${split} split has no questions`);
    }
  }
  return dataset;
}

/**
 * Loads a study's language model, or describes the one that begins from random weights.
 *
 * @throws {RangeError | TypeError | SyntaxError} If there is none, or it cannot be used.
 */
export async function loadStudyLanguage(
  { llm: { name, shape, prompt = PLAIN_PROMPT } }: Study,
  cacheDir: string,
): Promise<StudyLanguage> {
  if (name === "random") {
    return {
      name,
      ...freshLanguage(shape!),
      prompt,
      contentHash: null,
      description:
        `Llama-architecture decoder (hidden size ${shape!.hiddenSize}, ${shape!.layers} layers, ` +
        `${shape!.heads} heads) from random weights; no part of it is pre-trained`,
    };
  }
  const { config, tokenizer, checkpoint, contentHash } = await loadLlm(name, cacheDir);
  // A folder is called by its last part: a record holds no machine's paths.
  const short = name.split(/[/\\]/).filter((part) => part !== "").at(-1)!;
  return {
    name: short,
    tokenizer,
    decoder: () => ({ config, checkpoint }),
    prompt,
    contentHash,
    description: `${short === EMBEDDED ? "the embedded decoder" : short} ` +
      `(Llama architecture, hidden size ${config.hidden_size}, ${config.num_hidden_layers} layers, ` +
      `${config.num_attention_heads} heads), pre-trained`,
  };
}

/** How an encoder is loaded. */
export interface StudyEncoderOptions {
  /** What it is computed on, should it need a device; asked for at the first picture. */
  engine?(): Engine;
  /** For the control with random weights: the seed that they are drawn from. */
  randomSeed?: number;
}

/** Loads a study's encoder; the caller closes it. */
export async function loadStudyEncoder(
  { encoder: { name, ...settings } }: Study,
  cacheDir: string,
  options: StudyEncoderOptions = {},
): Promise<Encoder> {
  return await loadEncoder(name, { ...settings, ...options, cacheDir });
}

/**
 * Token ids without features: what a plan needs to know of the data.
 *
 * @param check Is given the study's models; what it throws is thrown.
 */
export async function outlineStudy(
  study: Study,
  dataset: Dataset,
  cacheDir: string,
  check?: (models: { encoder: Encoder; language: StudyLanguage }) => void,
): Promise<PreparedData> {
  const encoder = await loadStudyEncoder(study, cacheDir);
  await encoder.close?.();
  const language = await loadStudyLanguage(study, cacheDir);
  check?.({ encoder, language });
  return prepareStudy(study, dataset, encoder, language);
}

/** Encodes a study's questions, whose pictures become as many image tokens as the encoder says. */
export function prepareStudy(
  { training, folds }: Study,
  dataset: Dataset,
  encoder: Pick<Encoder, "tokens" | "width">,
  language: Language,
): PreparedData {
  const taught = folds ? ["train", "validation"] as const : ["train"] as const;
  return prepareQuestions(dataset, encoder, training.context, language, taught);
}

/** Adds the features of all pictures to prepared questions, encoding those that the cache has not. */
export async function encodeStudy(
  encoder: Encoder,
  dataset: Dataset,
  data: PreparedData,
  { cacheDir, onProgress }: EncodeOptions,
): Promise<PreparedData> {
  const total = SPLITS.reduce((sum, split) => sum + dataset[split].length, 0);
  const features = {} as Record<typeof SPLITS[number], Features>;
  let before = 0;
  for (const split of SPLITS) {
    features[split] = await encodeExamples(encoder, dataset, split, {
      cacheDir: `${cacheDir}/features`,
      onProgress: (done) =>
        onProgress?.(`Encoding pictures with ${encoder.name}`, before + done, total),
    });
    before += dataset[split].length;
  }
  return withFeatures(data, features);
}
