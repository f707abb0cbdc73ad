/** What the programs of runs consist of, found without computing anything. */
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { type Command, createEngine, type Engine } from "../gpu/program.ts";
import { emptyCheckpoint } from "../models/llama_weights.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import type { PreparedData } from "./prepared_data.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings } from "./settings.ts";

/**
 * The dispatches of all programs of these runs on an engine, and the kernel variants that they ask
 * for, whose code is there but whose pipelines are not.
 *
 * @param data Token ids are enough.
 */
export function imaginePrograms(
  { device, plan }: Engine,
  runs: readonly RunSettings[],
  data: PreparedData,
): { commands: Command[]; kernels: Kernel[] } {
  const engine = createEngine(imaginaryDevice(device), plan);
  // Arms differ by these; lambda and seed change nothing.
  const stages = new Map(
    runs.flatMap((settings) =>
      settings.stages.map((stage) => {
        const { connector, objective, objectiveOptions } = settings;
        const key = JSON.stringify([connector, objective, objectiveOptions, stage]);
        return [key, { settings, stage }] as const;
      })
    ),
  );
  const commands = [...stages.values()].flatMap(({ settings, stage }) => {
    const decoder = emptyCheckpoint(data.decoder.config);
    const model = createRunModel(engine, settings, stage, data, { decoder });
    const programs = [compileTrainingStep(model, stage.training), compileQuestioner(model)];
    return programs.flatMap(({ commands }) => commands);
  });
  return { commands, kernels: [...engine.cache.values()] };
}
