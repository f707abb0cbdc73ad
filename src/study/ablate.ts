/** Runs a study: every run of its grid that has no record yet, then the report. */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { majorityBaseline } from "../evaluation/majority.ts";
import type { Engine } from "../gpu/program.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import { DivergedError, run } from "../training/run.ts";
import type { RunSettings } from "../training/settings.ts";
import { recordName } from "./grid.ts";
import { type AdapterRecord, type RunRecord, SCHEMA_VERSION, type StudyRecord } from "./record.ts";
import type { Study } from "./study.ts";

/** Version of the program, kept in every record. */
export const VERSION = "0.1.0";

/** What a study runs on. */
export interface AblationInput {
  study: Study;
  dataset: Dataset;
  encoder: Encoder;
  data: PreparedData;
  engine: Engine;
  adapter: AdapterRecord;
  runs: RunSettings[];
  /** Folder of records and report. */
  out: string;
  /** The command that reproduces it, without paths. */
  command: string;
  signal?: AbortSignal;
  onRun?(settings: RunSettings, index: number, state: "begins" | "ends" | "is there already" | "diverged", note: string): void;
  onProgress?(index: number, step: number, steps: number, tokenLoss: number): void;
}

/**
 * Runs what is missing. A run that is there already with the same settings is skipped.
 *
 * @returns The number of runs that diverged.
 * @throws {RangeError} If a record is there with other settings; nothing is run then.
 * @throws {DOMException} `AbortError` when the signal fires; finished runs are kept.
 */
export async function ablate(input: AblationInput): Promise<{ diverged: number }> {
  const { study, data, engine, adapter, runs, out } = input;
  const folder = join(out, "runs");
  const done = await finishedRuns(input, folder);
  await Deno.mkdir(folder, { recursive: true });
  await replaceFile(join(out, "study.json"), JSON.stringify(studyRecord(input), null, 2) + "\n");
  let diverged = 0;
  for (const [index, settings] of runs.entries()) {
    if (done.has(recordName(settings))) {
      input.onRun?.(settings, index, "is there already", "");
      continue;
    }
    input.onRun?.(settings, index, "begins", "");
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
        config: runConfig(input, settings),
        adapter,
        operandForm: engine.plan.form,
        versions: { plumbline: VERSION, deno: Deno.version.deno },
      };
      await replaceFile(join(folder, recordName(settings)), JSON.stringify(record, null, 1) + "\n");
      input.onRun?.(settings, index, "ends", `accuracy ${(100 * outcome.accuracy.overall).toFixed(1)} %`);
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      diverged++;
      input.onRun?.(settings, index, "diverged", error.message);
    }
  }
  return { diverged };
}

/** Everything that determines a run, as kept in its record. */
function runConfig({ study, dataset, encoder, engine }: AblationInput, settings: RunSettings): unknown {
  const { model, training, evaluation } = settings;
  return {
    data: { name: dataset.name, contentHash: dataset.contentHash },
    encoder: { ...study.encoder, name: encoder.name, contentHash: encoder.contentHash },
    model,
    training,
    evaluation,
    kernelPlan: engine.plan,
  };
}

/** Records that are there, by file name; they must have been made with the same settings. */
async function finishedRuns(input: AblationInput, folder: string): Promise<Set<string>> {
  const done = new Set<string>();
  for (const settings of input.runs) {
    const name = recordName(settings);
    const path = join(folder, name);
    let record: RunRecord;
    try {
      record = JSON.parse(await Deno.readTextFile(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new SyntaxError(`Cannot resume: "${path}" is no record (${(error as Error).message}); move it away or add --fresh`);
    }
    const before = { config: record.config, adapter: record.adapter?.description };
    const now = { config: runConfig(input, settings), adapter: input.adapter.description };
    const difference = firstDifference(before, now);
    if (difference) {
      throw new RangeError(`Cannot resume: "${path}" was made with other settings (${difference}); choose another --out or add --fresh`);
    }
    done.add(name);
  }
  return done;
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
  const each = (value: (examples: Dataset["train"]) => number) => Object.fromEntries(Object.entries(splits).map(([name, examples]) => [name, value(examples)]));
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
      questions: each((examples) => examples.reduce((sum, { questions }) => sum + questions.length, 0)),
    },
    encoder: {
      name: encoder.name,
      description: encoder.description,
      contentHash: encoder.contentHash,
      tokens: encoder.tokens,
      width: encoder.width,
    },
    model: `Llama-architecture decoder (hidden size ${model.hiddenSize}, ${model.layers} layers, ${model.heads} heads, ` +
      `vocabulary ${data.tokenizer.vocabularySize}) from random weights, trained together with P1; no part of it is pre-trained`,
    config: { ...study, encoder: { ...study.encoder, name: encoder.name } },
    command,
    majority: majorityBaseline(
      dataset.train.flatMap(({ questions }) => questions),
      dataset.test.flatMap(({ questions }) => questions),
    ),
    planned: runs.map(({ role, arm, lambda, seed, fold, stage }) => ({ role, arm, lambda, seed, fold, stage })),
  };
}

/** Writes a file under a temporary name, syncs it and renames it: the old one or the new one is there, never half. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  const file = await Deno.open(temporary, { write: true, create: true, truncate: true });
  try {
    await file.write(new TextEncoder().encode(text));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(temporary, path);
}
