/** What the programs of runs consist of, found without computing anything. */
import { encodedTokens } from "../data/packing.ts";
import type { Command } from "../gpu/command.ts";
import { createEngine, type Engine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { emptyCheckpoint } from "../models/llama_weights.ts";
import type { MultimodalModel } from "../models/multimodal.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { emptyTeacher } from "../models/teacher.ts";
import { compileTrainingStep, type TrainingStep } from "../models/training_step.ts";
import { compileFreshP2 } from "./fresh_p2.ts";
import type { PreparedData } from "./prepared_data.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

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
  const stages = new Map(
    runs.flatMap((settings) =>
      settings.stages.map((stage) => [programKey(settings, stage), { settings, stage }] as const)
    ),
  );
  const tokens = new Set<number>();
  const commands = [...stages.values()].flatMap(({ settings, stage }) => {
    const { model, step } = imagineStep(engine, settings, stage, data);
    tokens.add(settings.evaluation.embeddingImages * encodedTokens(model.config.layout));
    return [step, compileQuestioner(model)].flatMap(({ commands }) => commands);
  });
  // Its kernels count; its commands do not: it is too small a part of a run to be tuned for.
  for (const rows of tokens) {
    compileFreshP2(engine, { rows, columns: data.decoder.config.hidden_size }, 0);
  }
  return { commands, kernels: [...engine.cache.values()] };
}

/** What programs depend on: lambda, seed and the number of a taught round change nothing. */
export function programKey(
  { connector, objective, objectiveOptions, round }: RunSettings,
  stage: StageSettings,
): string {
  return JSON.stringify([connector, objective, objectiveOptions, stage, round > 0]);
}

/**
 * A stage's model and training step, with a teacher from round 1 on.
 *
 * @param engine On an imaginary device.
 * @param data Token ids are enough.
 */
export function imagineStep(
  engine: Engine,
  settings: RunSettings,
  stage: StageSettings,
  data: PreparedData,
): { model: MultimodalModel; step: TrainingStep } {
  const { round, xi } = settings;
  const decoder = emptyCheckpoint(data.decoder.config);
  const model = createRunModel(engine, settings, stage, data, { decoder });
  const teacher = round > 0 ? { model: emptyTeacher(model), xi } : undefined;
  return { model, step: compileTrainingStep(model, stage.training, teacher) };
}
