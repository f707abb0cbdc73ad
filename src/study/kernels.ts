/** Which kernels a study's runs compute with. */
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { createEngine, type Engine } from "../gpu/program.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import { createRunModel } from "../training/run_model.ts";
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
  { device, plan }: Engine,
  runs: readonly RunSettings[],
  data: PreparedData,
): Kernel[] {
  const engine = createEngine(imaginaryDevice(device), plan);
  // Arms differ by these; lambda and seed change nothing.
  const arms = new Map(runs.map((run) => [`${run.connector} ${run.objective}`, run]));
  for (const settings of arms.values()) {
    const model = createRunModel(engine, settings, data);
    compileTrainingStep(model, settings.training);
    compileQuestioner(model);
  }
  return [...engine.cache.values()];
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
