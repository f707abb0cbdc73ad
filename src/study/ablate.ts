/** Runs a study: every run of its grid that has no record yet. */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { majorityBaseline } from "../evaluation/majority.ts";
import type { Engine } from "../gpu/program.ts";
import { replaceFile } from "../report/replace_file.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import { DivergedError, run } from "../training/run.ts";
import type { RunSettings } from "../training/settings.ts";
import { recordName } from "./grid.ts";
import { type AdapterRecord, type RunRecord, SCHEMA_VERSION, type StudyRecord } from "./record.ts";
import type { Study } from "./study.ts";

/** Version of the program, kept in every record. */
export const VERSION = "0.1.0";

/** What determines a study's runs. */
export interface AblationSetting {
  study: Study;
  dataset: Dataset;
  encoder: Encoder;
  engine: Engine;
  adapter: AdapterRecord;
  runs: RunSettings[];
}

/** What a study runs on. */
export interface AblationInput extends AblationSetting {
  data: PreparedData;
  /** Runs that have a record and are skipped; see {@linkcode finishedRuns}. */
  finished: ReadonlySet<RunSettings>;
  /** Folder of records and report. */
  out: string;
  /** The command that reproduces it, without paths. */
  command: string;
  /** Stops between two steps. */
  signal?: AbortSignal;
  /** Called when a run is over; the note says how it went. */
  onRun?(index: number, note: string): void;
  /** Called while a run goes on. */
  onProgress?(index: number, step: number, steps: number, tokenLoss: number): void;
}

/**
 * Runs what is missing, each with its record as soon as it ends.
 *
 * @returns The number of runs that diverged.
 * @throws {DOMException} `AbortError` when the signal fires; finished runs are kept.
 */
export async function ablate(input: AblationInput): Promise<{ diverged: number }> {
  const { study, data, engine, adapter, runs, out } = input;
  const folder = join(out, "runs");
  await Deno.mkdir(folder, { recursive: true });
  await replaceFile(join(out, "study.json"), JSON.stringify(studyRecord(input), null, 2) + "\n");
  let diverged = 0;
  for (const [index, settings] of runs.entries()) {
    if (input.finished.has(settings)) continue;
    input.signal?.throwIfAborted();
    try {
      const outcome = await run(engine, settings, data, {
        signal: input.signal,
        onProgress: (step, steps, loss) => input.onProgress?.(index, step, steps, loss),
      });
      const { role, arm, connector, objective, lambda, seed, fold, stage } = settings;
      const record: RunRecord = {
        schemaVersion: SCHEMA_VERSION,
        study: study.name,
        ...{ role, arm, connector, objective, lambda, seed, fold, stage },
        ...outcome,
        config: runConfig(input),
        adapter,
        operandForm: engine.plan.form,
        versions: { plumbline: VERSION, deno: Deno.version.deno },
      };
      await replaceFile(join(folder, recordName(settings)), recordText(record));
      input.onRun?.(index, `accuracy ${(100 * outcome.accuracy.overall).toFixed(1)} %`);
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      diverged++;
      input.onRun?.(index, error.message);
    }
  }
  return { diverged };
}

/** A record as JSON with one answer a line: readable, and a third smaller than one field a line. */
export function recordText({ answers, ...rest }: RunRecord): string {
  const lines = answers.map((answer) => `  ${JSON.stringify(answer)}`).join(",\n");
  return `${JSON.stringify(rest, null, 1).slice(0, -2)},\n "answers": [\n${lines}\n ]\n}\n`;
}

/** Everything that determines a run, as kept in its record. */
function runConfig({ study, dataset, encoder, engine }: AblationSetting): unknown {
  const { model, training, evaluation } = study;
  return {
    data: { name: dataset.name, contentHash: dataset.contentHash },
    encoder: { ...study.encoder, name: encoder.name, contentHash: encoder.contentHash },
    model,
    training,
    evaluation,
    kernelPlan: engine.plan,
  };
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
  const now = { adapter: setting.adapter.description, config: runConfig(setting) };
  const armOf = ({ connector, objective, stage }: RunSettings | RunRecord) => ({
    connector,
    objective,
    stage,
  });
  const byName = new Map(setting.runs.map((settings) => [recordName(settings), settings]));
  const armsNow = new Map(setting.runs.map((settings) => [settings.arm, armOf(settings)]));
  const finished = new Set<RunSettings>();
  for (const record of records) {
    const name = recordName(record);
    const before = { adapter: record.adapter.description, config: record.config };
    const arm = armsNow.get(record.arm);
    const difference = firstDifference(before, now) ?? (arm && firstDifference(armOf(record), arm));
    if (difference) {
      throw new RangeError(
        `Cannot resume: record "${name}" was made with other settings (${difference})`,
      );
    }
    const settings = byName.get(name);
    if (settings) finished.add(settings);
  }
  return finished;
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
function studyRecord({ study, dataset, encoder, data, runs, command }: AblationInput): StudyRecord {
  const { model } = study;
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
    model:
      `Llama-architecture decoder (hidden size ${model.hiddenSize}, ${model.layers} layers, ${model.heads} heads, ` +
      `vocabulary ${data.tokenizer.vocabularySize}) from random weights, trained together with P1; no part of it is pre-trained`,
    config: { ...study, encoder: { ...study.encoder, name: encoder.name } },
    command,
    majority: majorityBaseline(
      dataset.train.flatMap(({ questions }) => questions),
      dataset.test.flatMap(({ questions }) => questions),
    ),
    planned: runs.map(({ role, arm, lambda, seed, fold, stage }) => ({
      role,
      arm,
      lambda,
      seed,
      fold,
      stage,
    })),
  };
}
