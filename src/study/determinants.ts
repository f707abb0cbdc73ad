/** All that determines the runs of a study: a run with the same of it leaves the same weights. */
import type { Dataset } from "../data/dataset.ts";
import type { Encoder } from "../encoders/encoder.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import type { Engine } from "../gpu/engine.ts";
import { ENGINE } from "../training/engine_number.ts";
import type { RunSettings } from "../training/settings.ts";
import type { StudyLanguage } from "./prepare.ts";
import type { Study } from "./study.ts";

/** What determines a study's runs. */
export interface AblationSetting {
  study: Study;
  dataset: Dataset;
  encoder: Encoder;
  language: StudyLanguage;
  engine: Engine;
  adapter: AdapterRecord;
  runs: RunSettings[];
  /** Hash of the weights that are tested, where nothing is trained. */
  from?: string;
}

/** Everything that determines all runs of a study, as kept in their records. */
export function studyConfig({ study, dataset, encoder, language, engine, from }: AblationSetting) {
  const { llm, projector, lora, training, evaluation, folds } = study;
  return {
    data: {
      name: dataset.name,
      contentHash: dataset.contentHash,
      ...(folds && { folds: foldsConfig(folds) }),
    },
    encoder: { ...study.encoder, name: encoder.name, contentHash: encoder.contentHash },
    llm: { ...llm, name: language.name, contentHash: language.contentHash },
    projector,
    lora,
    training,
    evaluation,
    kernelPlan: engine.plan,
    ...(from && { from }),
  };
}

/** Folds as records keep them: those of an older dealing, which parted repeated questions, are others. */
export function foldsConfig(folds: NonNullable<Study["folds"]>) {
  return folds.by === "question" ? { ...folds, repeats: "together" } : folds;
}

/** What determines an arm besides connector, objective and lambda; what is plain is left out. */
export function armConfig({ stages, objectiveOptions, lambdaSchedule, xi }: RunSettings) {
  return {
    stages,
    ...(Object.keys(objectiveOptions).length > 0 && { objectiveOptions }),
    ...(lambdaSchedule !== "constant" && { lambdaSchedule }),
    ...(xi > 0 && { xi }),
  };
}

/** All that determines a run. */
export function determinantsOf(setting: AblationSetting, settings: RunSettings) {
  return { ...sharedDeterminants(setting), settings };
}

/** What must not have changed when a study goes on. */
export function sharedDeterminants(setting: AblationSetting) {
  const { description, driver } = setting.adapter;
  return { adapter: description, driver, engine: ENGINE, config: studyConfig(setting) };
}
