/**
 * The data sets by name. A new one is a file beside this and a line below.
 */
import type { Dataset, DatasetOptions } from "./dataset.ts";
import { easyShapes } from "./easy_shapes.ts";
import { easyVqa } from "./easy_vqa.ts";
import { slake } from "./slake.ts";
import { sortOfClevr } from "./sort_of_clevr.ts";
import { VQA_V2, vqaV2 } from "./vqa_v2.ts";

/** Data sets that are drawn on the spot, and so can be drawn again from their options alone. */
export const PROCEDURAL_DATASETS: Record<string, (options: DatasetOptions) => Dataset> = {
  "easy-shapes": easyShapes,
  "sort-of-clevr": sortOfClevr,
};

/** Loaders by data set name. */
export const DATASETS: Record<
  string,
  (options: DatasetOptions) => Dataset | Promise<Dataset>
> = {
  ...PROCEDURAL_DATASETS,
  "easy-vqa": easyVqa,
  "slake": slake,
  [VQA_V2]: vqaV2,
};

/**
 * Loads a data set.
 *
 * @throws {RangeError} when there is none of that name; the message lists those there are
 */
export async function loadDataset(
  name: string,
  options: DatasetOptions,
): Promise<Dataset> {
  if (!Object.hasOwn(DATASETS, name)) {
    throw new RangeError(
      `Unknown data set "${name}"; there is ${Object.keys(DATASETS).join(", ")}`,
    );
  }
  return await DATASETS[name](options);
}
