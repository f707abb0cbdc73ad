/** `ablate`: what happens between a study and its report. */
import { join } from "node:path";
import { cacheDir, cachePart } from "../gpu/cache.ts";
import { withPlan } from "../gpu/program.ts";
import { assertSelfTest, selfTest } from "../gpu/self_test.ts";
import { writeReport } from "../report/store.ts";
import { ablate, type AblationSetting } from "../study/ablate.ts";
import { estimateStudy, measureSpeed } from "../study/estimate.ts";
import { expandGrid } from "../study/grid.ts";
import { encodeStudy, loadStudyData, loadStudyEncoder } from "../study/prepare.ts";
import { studyKernels } from "../study/kernels.ts";
import type { Study } from "../study/study.ts";
import { type PreparedData, prepareQuestions } from "../training/prepared_data.ts";
import { freezePlan, readFrozenPlan } from "../tuning/frozen_plan.ts";
import { tuneStudy } from "../tuning/tune_study.ts";
import { duration, megabytes } from "./format.ts";
import { openEngine } from "./open_engine.ts";
import { moveAside, openOutFolder } from "./out_folder.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Exit code of a program that SIGINT ended. */
const INTERRUPTED = 130;

/** How a study is run. */
export interface RunOptions {
  /** Folder of records and report. */
  out: string;
  dataDir?: string;
  adapter?: string;
  /** Moves earlier records aside. */
  fresh?: true;
  /** Prints the results as JSON. */
  json?: true;
  /** The command that reproduces it, without paths. */
  command: string;
}

/**
 * Runs what is missing of a study and writes its report. Ctrl-C stops between two steps, with exit
 * code 130; finished runs are kept.
 *
 * @throws {Error} If anything is wrong; earlier records are as they were.
 */
export async function runStudy(study: Study, options: RunOptions): Promise<void> {
  const progress = createProgress();
  const abort = new AbortController();
  const interrupt = () => {
    if (abort.signal.aborted) {
      progress.stop();
      Deno.exit(INTERRUPTED);
    }
    progress.say("Stopping after this step; finished runs are kept. Once more stops at once.");
    abort.abort();
  };
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const { runs, diverged } = await train(study, options, progress, abort.signal);
    const { finding, results } = await writeReport(options.out);
    progress.stop();
    if (options.json) console.log(JSON.stringify(results));
    else console.log(`${finding}\n\nReport: ${join(options.out, "REPORT.md")}`);
    if (diverged > 0) {
      console.error(`${diverged} of ${runs} runs diverged and have no record`);
      Deno.exitCode = 1;
    }
  } catch (error) {
    if (!abort.signal.aborted || (error as Error).name !== "AbortError") throw error;
    progress.say("Stopped; the same command goes on with the runs that are missing");
    Deno.exitCode = INTERRUPTED;
  } finally {
    progress.stop();
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

/** Everything that can be wrong is found before pictures are encoded and a device is kept busy. */
async function train(
  study: Study,
  options: RunOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ runs: number; diverged: number }> {
  const { out, dataDir, adapter, fresh, command } = options;
  const runs = expandGrid(study);
  const dataset = await loadStudyData(study, { dataDir });
  const encoder = await loadStudyEncoder(study, cacheDir());
  try {
    const questions = prepareQuestions(dataset, encoder, study.training.context);
    const { engine: untuned, record } = await openEngine(adapter, progress.say);
    const aside = fresh ? await moveAside(out) : null;
    if (aside) progress.say(`Earlier records are now in ${aside}`);
    const frozen = await readFrozenPlan(out, record);
    let engine = withPlan(untuned, frozen ?? untuned.plan);
    const setting: AblationSetting = { study, dataset, encoder, engine, adapter: record, runs };
    const finished = await openOutFolder(out, setting);
    if (finished.size > 0) {
      progress.say(`${finished.size} of ${runs.length} runs are there already`);
    }
    const missing = runs.filter((settings) => !finished.has(settings));
    let data: PreparedData = questions;
    if (missing.length > 0) {
      if (!frozen && finished.size === 0) {
        const folder = cachePart("kernels");
        const say = progress.say;
        ({ engine } = await tuneStudy(untuned, record, runs, questions, { folder, say }));
        await freezePlan(out, record, engine.plan);
      }
      progress.say("Checking the kernels against float64 values");
      assertSelfTest(await selfTest(engine, studyKernels(engine, missing, questions)));
      const estimate = estimateStudy(missing, questions, engine.plan, await measureSpeed(engine));
      progress.say(
        `${missing.length} runs, about ${duration(estimate.seconds)} on ${record.description}, ` +
          `${megabytes(estimate.bytes)} of device memory a run`,
      );
      const onProgress: Progress["task"] = (...state) => {
        signal.throwIfAborted();
        progress.task(...state);
      };
      data = await encodeStudy(encoder, dataset, questions, { cacheDir: cacheDir(), onProgress });
    }
    const title = (index: number) => {
      const { arm, lambda, seed } = runs[index];
      return `[${index + 1}/${runs.length}] ${arm} lambda ${lambda} seed ${seed}`;
    };
    const { diverged } = await ablate({
      ...setting,
      engine,
      data,
      finished,
      out,
      command,
      signal,
      onRun: (index, note) => progress.say(`${title(index)}: ${note}`),
      onProgress: (index, step, steps, loss) =>
        progress.task(`${title(index)}, loss ${loss.toFixed(3)}`, step, steps),
    });
    return { runs: runs.length, diverged };
  } finally {
    await encoder.close?.();
  }
}
