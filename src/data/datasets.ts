/**
 * The data sets by name. A new one is a file beside this and a line below.
 */
import type { Dataset, DatasetOptions } from "./dataset.ts";
import { easyShapes } from "./easy_shapes.ts";
import { easyVqa } from "./easy_vqa.ts";
import { slake } from "./slake.ts";
import { sortOfClevr } from "./sort_of_clevr.ts";
import { VQA_V2, vqaV2 } from "./vqa_v2.ts";

/** How a data set is loaded, and what it has that others do not. */
export interface DatasetEntry {
  load(options: DatasetOptions): Dataset | Promise<Dataset>;
  /** Whether its pictures have modalities, of which one may be held out. */
  hasModalities?: true;
  /** Whether question ids are numbers in its official results. */
  hasNumericIds?: true;
}

/** Data sets that are drawn on the spot, and so can be drawn again from their options alone. */
export const PROCEDURAL_DATASETS: Record<string, (options: DatasetOptions) => Dataset> = {
  "easy-shapes": easyShapes,
  "sort-of-clevr": sortOfClevr,
};

/** All data sets by name. */
export const DATASETS: Record<string, DatasetEntry> = {
  ...Object.fromEntries(
    Object.entries(PROCEDURAL_DATASETS).map(([name, load]) => [name, { load }]),
  ),
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
  return await entry.load(options);
}
