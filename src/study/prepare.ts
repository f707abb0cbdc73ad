/** Makes a study's data ready: data set, encoder, token ids, features. */
import type { Dataset } from "../data/dataset.ts";
import { loadDataset } from "../data/datasets.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { loadEncoder } from "../encoders/encoders.ts";
import { encodeExamples, type Features } from "../encoders/features.ts";
import {
  type PreparedData,
  prepareQuestions,
  SPLITS,
  withFeatures,
} from "../training/prepared_data.ts";
import type { Study } from "./study.ts";

/** Where features are kept and what is told meanwhile. */
export interface EncodeOptions {
  cacheDir: string;
  /** Called after every batch of pictures; what it throws ends the encoding. */
  onProgress?(what: string, done: number, total: number): void;
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
  const dataset = await loadDataset(name, { ...options, dir: dataDir });
  for (const split of ["train", "test"] as const) {
    if (!dataset[split].some(({ questions }) => questions.length > 0)) {
      throw new RangeError(`Cannot use data set "${name}": its ${split} split has no questions`);
    }
  }
  return dataset;
}

/** Loads a study's encoder; the caller closes it. */
export async function loadStudyEncoder({ encoder }: Study, cacheDir: string): Promise<Encoder> {
  const { name, ...options } = encoder;
  return await loadEncoder(name, { ...options, cacheDir });
}

/** Token ids without features: what a plan needs to know of the data. */
export async function outlineStudy(
  study: Study,
  dataset: Dataset,
  cacheDir: string,
): Promise<PreparedData> {
  const encoder = await loadStudyEncoder(study, cacheDir);
  await encoder.close?.();
  return prepareQuestions(dataset, encoder, study.training.context);
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
