/** Runs a study: every run of its grid that has no record yet. */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isThere } from "../data/if_there.ts";
import { replaceFile } from "../data/replace_file.ts";
import type { Engine } from "../gpu/engine.ts";
import type { LlamaConfig } from "../models/llama_config.ts";
import type { ModelWeights } from "../models/multimodal.ts";
import { readFailure, removeFailure, writeFailure } from "../records/failures.ts";
import { type RunFailure, SCHEMA_VERSION } from "../records/record.ts";
import { writeRecord } from "../records/write_record.ts";
import { loadProgress, saveProgress } from "../training/progress_file.ts";
import { run, test } from "../training/run.ts";
import type { RunSettings } from "../training/settings.ts";
import { DivergedError, type RunHooks } from "../training/train_stage.ts";
import { determinantsOf } from "./determinants.ts";
import { freezeSettings } from "./frozen_settings.ts";
import { recordName, recordNames, runName } from "./grid.ts";
import { takeLease } from "./lease.ts";
import { runId } from "./run_id.ts";
import { runRecord, studyRecord, type StudyRecordInput } from "./run_record.ts";
import { loadWeights, saveWeights } from "./saved_weights.ts";

/** What a study runs on. */
export interface AblationInput extends StudyRecordInput {
  /** What a trained run was left with: then nothing is trained, and it is tested. */
  values?: ModelWeights;
  /** Runs that are skipped: those with a record (`finished_runs.ts`), and other shards'. */
  finished: ReadonlySet<RunSettings>;
  /** Folder of records and report. */
  out: string;
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
 * @throws {RangeError} If the folder was begun with other settings.
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
  const before = await readFailure(out, name);
  if (before?.id === id && before.reason === "diverged") {
    // The same would come of it.
    onRun?.(index, `diverged before, at step ${before.step} of ${before.stage}`);
    return "failed";
  }
  const teacher = settings.round > 0 ? { ...settings, round: settings.round - 1 } : null;
  if (teacher && !await isRecorded(out, teacher)) {
    if (!await readFailure(out, runName(teacher))) return "busy";
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
    // Each time, for the folder may have been moved aside and begun anew.
    await freezeSettings(out, input);
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

/** Whether a run has a record of each of its first stages, of all when absent. */
async function isRecorded(out: string, settings: RunSettings, first?: number): Promise<boolean> {
  const files = recordNames(settings).slice(0, first).map((name) => `${name}.json`);
  const found = await Promise.all(files.map((file) => isThere(join(out, "runs", file))));
  return found.every(Boolean);
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
        const found = await loadProgress(path, id);
        // Stages before it are not done again, so their records have to be there.
        return found && await isRecorded(out, settings, found.stage) ? found : null;
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
