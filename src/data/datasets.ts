/**
 * The data sets by name. A new one is a file beside this and a line below.
 */
import type { Dataset, DatasetOptions, PresenceQuestion, Question } from "./dataset.ts";
import { easyShapes, easyShapesPresence } from "./easy_shapes.ts";
import { easyVqa } from "./easy_vqa.ts";
import { slake } from "./slake.ts";
import { sortOfClevr } from "./sort_of_clevr.ts";
import { VQA_V2, vqaV2 } from "./vqa_v2.ts";

/** Where a data set comes from, and what it has that others do not. */
export type DatasetEntry =
  & Traits
  & (
    /** Drawn on the spot, and so again from its options alone. */
    | { draw(options: DatasetOptions): Dataset; load?: undefined }
    /** Read from a folder. */
    | { load(options: DatasetOptions): Promise<Dataset>; draw?: undefined }
  );

interface Traits {
  /** Whether its pictures have modalities, of which one may be held out. */
  hasModalities?: true;
  /** Whether question ids are numbers in its official results. */
  hasNumericIds?: true;
  /** What a question asks whether it is there; null where it asks something else. */
  presence?(question: Question): PresenceQuestion | null;
}

/** All data sets by name. */
export const DATASETS: Record<string, DatasetEntry> = {
  "easy-shapes": { draw: easyShapes, presence: easyShapesPresence },
  "sort-of-clevr": { draw: sortOfClevr },
  "easy-vqa": { load: easyVqa },
  "slake": { load: slake, hasModalities: true },
  [VQA_V2]: { load: vqaV2, hasNumericIds: true },
};

/** What is known of a data set; nothing of one that is in records of another version. */
export function datasetEntry(name: string): DatasetEntry | undefined {
  return Object.hasOwn(DATASETS, name) ? DATASETS[name] : undefined;
}

/**
 * Loads a data set.
 *
 * @throws {RangeError} when there is none of that name; the message lists those there are
 */
export async function loadDataset(
  name: string,
  options: DatasetOptions,
): Promise<Dataset> {
  const entry = datasetEntry(name);
  if (!entry) {
    throw new RangeError(
      `Unknown data set "${name}"; there is ${Object.keys(DATASETS).join(", ")}`,
    );
  }
  return entry.draw ? entry.draw(options) : await entry.load(options);
}
