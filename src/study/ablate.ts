/** Runs a study: every run of its grid that has no record yet. */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Dataset } from "../data/dataset.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { majorityBaseline } from "../evaluation/majority.ts";
import type { Engine } from "../gpu/program.ts";
import { replaceFile } from "../data/replace_file.ts";
import { poolAccuracy } from "../report/conditions.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import type { ModelWeights } from "../models/multimodal.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import { loadProgress, saveProgress } from "../training/progress_file.ts";
import { ENGINE } from "../training/engine_number.ts";
import { run, type RunOutcome, test } from "../training/run.ts";
import { DivergedError, type RunHooks } from "../training/train_stage.ts";
import type { RunSettings } from "../training/settings.ts";
import { recordName, runName } from "./grid.ts";
import { takeLease } from "./lease.ts";
import type { StudyLanguage } from "./prepare.ts";
import { readFailures, removeFailure, writeFailure } from "../report/failures.ts";
import { packAnswers, type PackedAnswers } from "../report/packed_answers.ts";
import { withChecksum } from "../report/record_checksum.ts";
import { runId } from "./run_id.ts";
import { loadWeights, saveWeights } from "./saved_weights.ts";
import {
  type Accuracy,
  type AdapterRecord,
  type RunFailure,
  type RunRecord,
  SCHEMA_VERSION,
  type StudyRecord,
} from "./record.ts";
import type { Study } from "./study.ts";

/** Version of the program, kept in every record. */
export const VERSION = "0.1.0";

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

/** What a study runs on. */
export interface AblationInput extends AblationSetting {
  /** What a trained run was left with: then nothing is trained, and it is tested. */
  values?: ModelWeights;
  /** The data of a run: its fold, and the features of its control. */
  dataOf(settings: RunSettings): PreparedData;
  /** Runs that are skipped: those with a record, see {@linkcode finishedRuns}, and other shards'. */
  finished: ReadonlySet<RunSettings>;
  /** Folder of records and report. */
  out: string;
  /** The command that reproduces it, without paths. */
  command: string;
  /** Seconds of training between two checkpoints of a run; 60 when absent. */
  checkpointSeconds?: number;
  /** Stops between two steps. */
  signal?: AbortSignal;
  /**
   * Opens a device anew, with the kernel plan of the old one; null when absent, and then a lost
   * device ends everything.
   */
  reopen?(): Promise<Engine>;
  /** Called when a run is over; the note says how it went. */
  onRun?(index: number, note: string): void;
  /** Called while a run goes on. */
  onProgress?(index: number, stage: string, step: number, steps: number, loss: number): void;
  /** Called when all that is left is at work in other processes. */
  onWait?(runs: number): void;
}

/** How often a run goes on from its checkpoint after its device was lost. */
const MOST_LOSSES = 2;

/** Until it is looked again whether other processes have ended their runs, milliseconds. */
const WAIT = 2_000;

/** How a run went: `busy` if it has to wait for another process. */
type Fate = "done" | "failed" | "busy";

/**
 * Runs what is missing. Each stage leaves its record and its weights as soon as it ends; a run that
 * was interrupted goes on from its checkpoint. Several processes may work in one folder: each run is
 * done by one of them.
 *
 * @returns The number of runs that failed: they diverged, or lost their device again and again.
 * @throws {DOMException} `AbortError` when the signal fires; what is finished is kept.
 */
export async function ablate(input: AblationInput): Promise<{ failed: number }> {
  const { runs, out, finished, signal } = input;
  for (const name of ["runs", "questions", "checkpoints", "leases"]) {
    await Deno.mkdir(join(out, name), { recursive: true });
  }
  await replaceFile(join(out, "study.json"), JSON.stringify(studyRecord(input), null, 2) + "\n");
  const at: Place = { input, engine: input.engine };
  let open = [...runs.entries()].filter(([, settings]) => !finished.has(settings));
  let failed = 0;
  while (open.length > 0) {
    const busy: typeof open = [];
    for (const [index, settings] of open) {
      signal?.throwIfAborted();
      const fate = await runAlone(at, index, settings);
      if (fate === "busy") busy.push([index, settings]);
      if (fate === "failed") failed++;
    }
    if (busy.length === open.length) {
      input.onWait?.(busy.length);
      await setTimeout(WAIT, undefined, { signal });
    }
    open = busy;
  }
  return { failed };
}

/** What a study runs on, with the device that is open now. */
interface Place {
  readonly input: AblationInput;
  engine: Engine;
}

/** Does a run unless another process does, or has done. */
async function runAlone(at: Place, index: number, settings: RunSettings): Promise<Fate> {
  const { input } = at;
  const { out, onRun } = input;
  const name = runName(settings);
  const id = runId(determinantsOf(input, settings));
  const failures = await readFailures(out);
  const before = failures.get(name);
  if (before?.id === id && before.reason === "diverged") {
    // The same would come of it.
    onRun?.(index, `diverged before, at step ${before.step} of ${before.stage}`);
    return "failed";
  }
  const teacher = settings.round > 0 ? { ...settings, round: settings.round - 1 } : null;
  if (teacher && !await isRecorded(out, teacher)) {
    if (!failures.has(runName(teacher))) return "busy";
    onRun?.(index, "there is no teacher: the round before failed");
    return "failed";
  }
  const lease = await takeLease(join(out, "leases", `${name}.json`));
  if (!lease) return "busy";
  try {
    if (await isRecorded(out, settings)) {
      onRun?.(index, "done by another process");
      return "done";
    }
    const failure = await runOrFail(at, index, settings, id);
    if (!failure) {
      await removeFailure(out, name);
      return "done";
    }
    await writeFailure(out, name, failure);
    return "failed";
  } finally {
    await lease.release();
  }
}

/** Whether a run has its record, that of its last stage. */
async function isRecorded(out: string, settings: RunSettings): Promise<boolean> {
  const name = recordName(settings, settings.stages.at(-1)!.name, settings.stages.length);
  return await Deno.stat(join(out, "runs", `${name}.json`)).then(() => true, () => false);
}

/** Does a run, on another device if its own is lost; returns why there is no record. */
async function runOrFail(
  at: Place,
  index: number,
  settings: RunSettings,
  id: string,
): Promise<RunFailure | null> {
  const { input } = at;
  const failure = (stage: string, reason: RunFailure["reason"], step: number | null) => {
    const { role, arm, lambda, seed, fold, round } = settings;
    const key = { role, arm, lambda, seed, fold, ...(round > 0 && { round }), stage };
    return { schemaVersion: SCHEMA_VERSION, id, ...key, reason, step };
  };
  for (let losses = 0;; losses++) {
    try {
      await orLost(at.engine, runToTheEnd(at, index, settings, id));
      return null;
    } catch (error) {
      if (error instanceof DivergedError) {
        input.onRun?.(index, error.message);
        return failure(error.stage, "diverged", error.step);
      }
      if (!input.reopen || !await isLost(at.engine)) throw error;
      at.engine = await input.reopen();
      if (losses === MOST_LOSSES) {
        input.onRun?.(index, `the device was lost ${losses + 1} times`);
        return failure(settings.stages[0].name, "device lost", null);
      }
      input.onRun?.(index, "the device was lost; going on from the last checkpoint");
    }
  }
}

/** What waits for a lost device would wait for ever. */
async function orLost<T>({ device }: Engine, work: Promise<T>): Promise<T> {
  const lost = device.lost.then(({ message }) => {
    throw new Error(`Cannot go on: the device was lost (${message})`);
  });
  return await Promise.race([work, lost]);
}

/** Whether a device is lost; an error may come a moment before that is known. */
async function isLost({ device }: Engine): Promise<boolean> {
  return await Promise.race([device.lost.then(() => true), setTimeout(100, false)]);
}

async function runToTheEnd(
  { input, engine }: Place,
  index: number,
  settings: RunSettings,
  id: string,
): Promise<void> {
  const { out } = input;
  const name = runName(settings);
  const path = join(out, "checkpoints", `${name}.safetensors`);
  const checkpoint: RunHooks["checkpoint"] = {
    load: async () => {
      try {
        return await loadProgress(path, id);
      } catch (error) {
        input.onRun?.(index, `its checkpoint is damaged, so it begins anew: ${error}`);
        return null;
      }
    },
    save: (progress) => saveProgress(path, progress, id),
    every: input.checkpointSeconds ?? 60,
  };
  const data = input.dataOf(settings);
  const stages = input.values
    ? [test(engine, settings, data, input.values)]
    : run(engine, settings, data, {
      signal: input.signal,
      checkpoint,
      teacher: (stage) => loadTeacher(out, settings, stage, data.decoder.config),
      onProgress: (...state) => input.onProgress?.(index, ...state),
    });
  for await (const { weights, ...outcome } of stages) {
    const name = recordName(settings, outcome.stage, settings.stages.length);
    if (!input.values) {
      await saveWeights(join(out, "weights", name), weights, {
        lora: settings.lora,
        baseModel: input.language.name,
      });
    }
    await writeRecord(out, name, runRecord(input, settings, outcome));
    const after = settings.stages.length > 1 ? ` after ${outcome.stage}` : "";
    input.onRun?.(index, `accuracy ${(100 * outcome.accuracy.overall).toFixed(1)} %${after}`);
  }
  await Deno.remove(path).catch(() => {});
}

/**
 * What the round before left of a stage.
 *
 * @throws {RangeError} If it left nothing.
 */
async function loadTeacher(
  out: string,
  settings: RunSettings,
  stage: string,
  config: LlamaConfig,
): Promise<ModelWeights> {
  const before = { ...settings, round: settings.round - 1 };
  const name = recordName(before, stage, settings.stages.length);
  try {
    return await loadWeights(join(out, "weights", name), config);
  } catch (error) {
    throw new RangeError(
      `Cannot teach round ${settings.round} of "${settings.arm}": ${(error as Error).message}`,
    );
  }
}

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

/** Writes `runs/NAME.json`, and the questions that it answers under `questions/`. */
async function writeRecord(out: string, name: string, record: RunRecord): Promise<void> {
  const { questions, packed } = packAnswers(record.answers);
  // Before the record, which is of no use without them.
  const list = join(out, "questions", `${packed.questions}.json`);
  await replaceFile(list, `${JSON.stringify(questions)}\n`);
  await replaceFile(join(out, "runs", `${name}.json`), recordText(record, packed));
}

/** A record as JSON with its answers packed, one part of the embeddings' geometry a line, and a checksum. */
export function recordText(
  { answers: _, geometry, ...rest }: RunRecord,
  packed: PackedAnswers,
): string {
  const parts = (of: object) =>
    Object.entries(of).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(",\n");
  return withChecksum(
    `${JSON.stringify(rest, null, 1).slice(0, -2)}` +
      (geometry ? `,\n "geometry": {\n${parts(geometry)}\n }` : "") +
      `,\n "answers": {\n${parts(packed)}\n }\n}\n`,
  );
}

/** Everything that determines all runs of a study, as kept in their records. */
function studyConfig({ study, dataset, encoder, language, engine, from }: AblationSetting) {
  const { llm, projector, lora, training, evaluation, folds } = study;
  return {
    data: { name: dataset.name, contentHash: dataset.contentHash, ...(folds && { folds }) },
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

/** What determines an arm besides connector, objective and lambda; what is plain is left out. */
function armConfig({ stages, objectiveOptions, lambdaSchedule, xi }: RunSettings) {
  return {
    stages,
    ...(Object.keys(objectiveOptions).length > 0 && { objectiveOptions }),
    ...(lambdaSchedule !== "constant" && { lambdaSchedule }),
    ...(xi > 0 && { xi }),
  };
}

/** All that determines a run. */
function determinantsOf(setting: AblationSetting, settings: RunSettings) {
  return { ...sharedDeterminants(setting), settings };
}

/** What must not have changed when a study goes on. */
function sharedDeterminants(setting: AblationSetting) {
  const { description, driver } = setting.adapter;
  return { adapter: description, driver, engine: ENGINE, config: studyConfig(setting) };
}

/**
 * Runs of the grid that a record is there for.
 *
 * Every record of the folder must have been made with the same settings, or the report would compare
 * what was not trained alike.
 *
 * @throws {RangeError} If one was not; the message names it and the field that differs.
 */
export function finishedRuns(
  setting: AblationSetting,
  records: readonly RunRecord[],
): Set<RunSettings> {
  const now = sharedDeterminants(setting);
  const known = new Map(setting.runs.map((settings) => [settings.arm, settings]));
  const there = new Set<string>();
  for (const record of records) {
    const arm = known.get(record.arm);
    const name = recordName(record, record.stage, arm?.stages.length ?? 1);
    const { connector, objective } = record;
    const { stages, objectiveOptions, lambdaSchedule, xi, ...config } =
      (record.config ?? {}) as Partial<RunSettings>;
    const { description, driver } = record.adapter;
    // The first engine left no number.
    const before = { adapter: description, driver, engine: record.engine ?? 1, config };
    const own = { stages, objectiveOptions, lambdaSchedule, xi };
    const difference = firstDifference(before, now) ?? (arm && firstDifference(
      { connector, objective, config: own },
      { connector: arm.connector, objective: arm.objective, config: armConfig(arm) },
    ));
    if (difference) {
      throw new RangeError(
        `Cannot resume: record "${name}.json" was made with other settings (${difference})`,
      );
    }
    there.add(`${name} ${record.stage}`);
  }
  return new Set(
    setting.runs.filter((settings) =>
      settings.stages.every(({ name }) =>
        there.has(`${recordName(settings, name, settings.stages.length)} ${name}`)
      )
    ),
  );
}

/** The first field in which two JSON values differ, in words; undefined where they are equal. */
export function firstDifference(before: unknown, now: unknown, path = ""): string | undefined {
  if (JSON.stringify(before) === JSON.stringify(now)) return undefined;
  if (before && now && typeof before === "object" && typeof now === "object") {
    const a = before as Record<string, unknown>, b = now as Record<string, unknown>;
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = firstDifference(a[key], b[key], path ? `${path}.${key}` : key);
      if (difference) return difference;
    }
    return undefined;
  }
  return `${path} was ${JSON.stringify(before)}, is ${JSON.stringify(now)}`;
}

/** What the runs share. */
function studyRecord(
  { study, dataset, encoder, language, dataOf, runs, command }: AblationInput,
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
  dataOf: AblationInput["dataOf"],
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
