/** Makes a study's data ready: data set, encoder, features, token ids. */
import type { Dataset } from "../data/dataset.ts";
import { loadDataset } from "../data/datasets.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { loadEncoder } from "../encoders/encoders.ts";
import { encodeExamples, type Features } from "../encoders/features.ts";
import { prepareData, type PreparedData, tokenizerOf } from "../training/prepared_data.ts";
import type { Study } from "./study.ts";

/** Where things are kept and what is told meanwhile. */
export interface PrepareOptions {
  dataDir?: string;
  cacheDir: string;
  onProgress?(what: string, done: number, total: number): void;
}

const SPLITS = ["train", "validation", "test"] as const;

/**
 * Loads a study's data set.
 *
 * @throws {Error} As the data set does; the message names the file and the field.
 */
export async function loadStudyData({ data }: Study, { dataDir }: Pick<PrepareOptions, "dataDir">): Promise<Dataset> {
  const { name, ...options } = data;
  const dataset = await loadDataset(name, { ...options, dir: dataDir });
  for (const split of ["train", "test"] as const) {
    if (!dataset[split].some(({ questions }) => questions.length > 0)) {
      throw new RangeError(`Cannot use data set "${name}": its ${split} split has no questions`);
    }
  }
  return dataset;
}

/** Encodes all pictures (or reads the cache) and all questions. */
export async function prepareStudy(
  study: Study,
  dataset: Dataset,
  { cacheDir, onProgress }: PrepareOptions,
): Promise<{ encoder: Encoder; data: PreparedData }> {
  const { name, ...options } = study.encoder;
  const encoder = await loadEncoder(name, { ...options, cacheDir });
  const total = SPLITS.reduce((sum, split) => sum + dataset[split].length, 0);
  const features = {} as Record<typeof SPLITS[number], Features>;
  let before = 0;
  for (const split of SPLITS) {
    features[split] = await encodeExamples(encoder, dataset, split, {
      cacheDir: `${cacheDir}/features`,
      onProgress: (done) => onProgress?.(`Encoding pictures with ${encoder.name}`, before + done, total),
    });
    before += dataset[split].length;
  }
  return { encoder, data: prepareData(dataset, tokenizerOf(dataset), features, study.training.context) };
}

/** Token ids without features: what a plan needs to know of the data. */
export async function outlineStudy(study: Study, dataset: Dataset, cacheDir: string): Promise<PreparedData> {
  const { name, ...options } = study.encoder;
  const { tokens, width } = await loadEncoder(name, { ...options, cacheDir });
  const none: Features = { tokens, width, data: new Float32Array(), index: new Map() };
  return prepareData(dataset, tokenizerOf(dataset), { train: none, validation: none, test: none }, study.training.context);
}
