/** A small study made ready: what a run is given, with no command around it. */
import type { Dataset } from "../data/dataset.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { expandGrid } from "../study/grid.ts";
import {
  encodeStudy,
  loadStudyData,
  loadStudyEncoder,
  loadStudyLanguage,
  prepareStudy,
  type StudyLanguage,
} from "../study/prepare.ts";
import type { Study } from "../study/study.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { inTempFolder } from "./temp_folder.ts";

/** A study's runs and what they need. */
export interface TinyData {
  dataset: Dataset;
  encoder: Encoder;
  language: StudyLanguage;
  data: PreparedData;
  runs: RunSettings[];
}

/** Loads and encodes a study's data, and leaves nothing on the disk. */
export async function prepareTiny(study: Study): Promise<TinyData> {
  return await inTempFolder(async (cacheDir) => {
    const dataset = await loadStudyData(study, {});
    const encoder = await loadStudyEncoder(study, cacheDir);
    const language = await loadStudyLanguage(study, cacheDir);
    const questions = prepareStudy(study, dataset, encoder, language);
    const data = await encodeStudy(encoder, dataset, questions, { cacheDir });
    return { dataset, encoder, language, data, runs: expandGrid(study) };
  });
}
