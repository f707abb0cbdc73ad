/** Which kernels a study's runs compute with. */
import type { Engine } from "../gpu/engine.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { imaginePrograms } from "../training/imagined_programs.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { expandGrid } from "./grid.ts";
import { loadStudy } from "./load.ts";
import { loadStudyData, outlineStudy } from "./prepare.ts";

/**
 * The kernel variants of all programs of these runs on an engine, found without computing anything:
 * their code is there, their pipelines are not.
 *
 * @param data Token ids are enough.
 */
export function studyKernels(
  engine: Engine,
  runs: readonly RunSettings[],
  data: PreparedData,
): Kernel[] {
  return imaginePrograms(engine, runs, data).kernels;
}

/** The kernel variants of study `quick`, for where no study is asked for. */
export async function quickKernels(engine: Engine): Promise<Kernel[]> {
  const quick = await loadStudy("quick", ".");
  // A few pictures have all of its words.
  const data = { ...quick.data, trainImages: 100, validationImages: 10, testImages: 10 };
  const study = { ...quick, data };
  const questions = await outlineStudy(study, await loadStudyData(study, {}), "");
  return studyKernels(engine, expandGrid(study), questions);
}
