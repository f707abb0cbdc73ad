/** What a run leaves, and what all runs of a study share, as records. */
import config from "../../deno.json" with { type: "json" };
import type { Dataset } from "../data/dataset.ts";
import { majorityBaseline } from "../evaluation/majority.ts";
import { poolAccuracy } from "../evaluation/pool_accuracy.ts";
import {
  type Accuracy,
  type RunRecord,
  SCHEMA_VERSION,
  type StudyRecord,
} from "../records/record.ts";
import { ENGINE } from "../training/engine_number.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunOutcome } from "../training/run.ts";
import type { RunSettings } from "../training/settings.ts";
import { type AblationSetting, armConfig, determinantsOf, studyConfig } from "./determinants.ts";
import { runId } from "./run_id.ts";
import type { Study } from "./study.ts";

/** Version of the program, kept in every record. */
export const VERSION = config.version;

/** The record of a stage's outcome. */
export function runRecord(
  setting: AblationSetting,
  settings: RunSettings,
  outcome: Omit<RunOutcome, "weights">,
): RunRecord {
  const { study, adapter, engine } = setting;
  const { role, arm, connector, objective, lambda, seed, fold, round } = settings;
  const { stage, ...measured } = outcome;
  return {
    schemaVersion: SCHEMA_VERSION,
    study: study.name,
    ...{ role, arm, connector, objective, lambda, seed, fold, stage },
    ...(round > 0 && { round }),
    ...measured,
    id: runId(determinantsOf(setting, settings)),
    engine: ENGINE,
    config: { ...studyConfig(setting), ...armConfig(settings) },
    adapter,
    operandForm: engine.plan.form,
    versions: { plumbline: VERSION, deno: Deno.version.deno },
  };
}

/** What a study's record is made of. */
export interface StudyRecordInput extends AblationSetting {
  /** The data of a run: its fold, and the features of its control. */
  dataOf(settings: RunSettings): PreparedData;
  /** The command that reproduces it, without paths. */
  command: string;
}

/** What the runs share. */
export function studyRecord(
  { study, dataset, encoder, language, dataOf, runs, command }: StudyRecordInput,
): StudyRecord {
  const splits = { train: dataset.train, validation: dataset.validation, test: dataset.test };
  const each = (value: (examples: Dataset["train"]) => number) =>
    Object.fromEntries(Object.entries(splits).map(([name, examples]) => [name, value(examples)]));
  return {
    schemaVersion: SCHEMA_VERSION,
    study: study.name,
    title: study.title,
    question: study.question,
    data: {
      name: dataset.name,
      source: dataset.source,
      contentHash: dataset.contentHash,
      images: each((examples) => examples.length),
      questions: each((examples) =>
        examples.reduce((sum, { questions }) => sum + questions.length, 0)
      ),
    },
    encoder: {
      name: encoder.name,
      description: encoder.description,
      contentHash: encoder.contentHash,
      tokens: encoder.tokens,
      width: encoder.width,
    },
    model: `${language.description}; vocabulary ${dataOf(runs[0]).tokenizer.vocabularySize}`,
    config: {
      ...study,
      encoder: { ...study.encoder, name: encoder.name },
      llm: { ...study.llm, name: language.name },
    },
    command,
    ...(study.folds && { folds: { count: study.folds.count, by: study.folds.by } }),
    majority: majorityOf(study, runs, dataOf),
    planned: runs.flatMap(({ role, arm, lambda, seed, fold, round, stages }) =>
      stages.map(({ name: stage }) => ({
        ...{ role, arm, lambda, seed, fold, stage },
        ...(round > 0 && { round }),
      }))
    ),
  };
}

/** The majority control over the test questions, of all folds together. */
function majorityOf(
  study: Study,
  runs: readonly RunSettings[],
  dataOf: StudyRecordInput["dataOf"],
): Accuracy {
  const folds = Array.from({ length: study.folds?.count ?? 1 }, (_, fold) => fold);
  const parts = folds.flatMap((fold) => {
    const settings = runs.find((run) => run.fold === fold);
    if (!settings) return [];
    const { train, test } = dataOf(settings);
    const asked = ({ questions }: PreparedData["test"]) =>
      questions.flat().map(({ text, truth, answers, type }) => ({
        text,
        answer: truth,
        answers,
        type,
      }));
    return [majorityBaseline(asked(train), asked(test))];
  });
  return poolAccuracy(parts);
}
