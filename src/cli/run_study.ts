/** `ablate`: what happens between a study and its report. */
import { join } from "node:path";
import type { Encoder } from "../encoders/encoder.ts";
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import { cacheDir, cachePart } from "../gpu/cache.ts";
import { type Engine, withPlan } from "../gpu/engine.ts";
import type { KernelPlan } from "../gpu/plan.ts";
import { writeReport } from "../report/write_report.ts";
import { assertSelfTest, selfTest } from "../self_test/self_test.ts";
import { ablate } from "../study/ablate.ts";
import { absentRuns } from "../study/absent_runs.ts";
import type { AblationSetting } from "../study/determinants.ts";
import { estimateStudy, estimateTest, measureSpeed } from "../study/estimate.ts";
import { expandGrid } from "../study/grid.ts";
import { studyKernels } from "../study/kernels.ts";
import {
  dataByRun,
  encodeStudy,
  loadStudyData,
  loadStudyEncoder,
  loadStudyLanguage,
  prepareStudy,
} from "../study/prepare.ts";
import { checkSameModels, findSavedRun, savedSettings, testedStudy } from "../study/saved_run.ts";
import { loadWeights } from "../study/saved_weights.ts";
import { type Shard, shareOf } from "../study/shards.ts";
import { type Study, withoutBaseline } from "../study/study.ts";
import { stageSteps } from "../training/batches.ts";
import { controlOf } from "../training/controls.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { freezePlan, readFrozenPlan } from "../tuning/frozen_plan.ts";
import { tuneStudy } from "../tuning/tune_study.ts";
import { duration, megabytes } from "./format.ts";
import { withInterrupt } from "./interrupt.ts";
import { openEngine } from "./open_engine.ts";
import { assertIdle, checkRecords, makeWritable, moveAside, openOutFolder } from "./out_folder.ts";
import { createPace } from "./pace.ts";
import {
  createProgress,
  type LOGS,
  type Progress,
  type RunStep,
  type RunTitle,
} from "./progress.ts";

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
  /** Record of a trained run, which is tested and nothing is trained. */
  from?: string;
  /** The share of the grid that this process runs; all of it when absent. */
  shard?: Shard;
  /** Seconds of training between two checkpoints of a run. */
  checkpointEvery?: number;
  /** How progress is told. */
  log?: (typeof LOGS)[number];
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
  const progress = createProgress(options.log);
  await withInterrupt(progress, {
    stopping: "Stopping after this step; finished runs are kept. Once more stops at once.",
    stopped: "Stopped; the same command goes on where it was",
  }, async (signal) => {
    const { out, json, shard } = options;
    const { runs, failed, absent, setting } = await train(study, options, progress, signal);
    // Of shards, whichever is the last one.
    if (shard && absent > 0) {
      progress.stop();
      console.log(json ? JSON.stringify({ shard, runs, absent }) : shardSummary(shard, absent));
    } else {
      const { finding, results } = await writeReport(
        out,
        [],
        (runs) => checkRecords(setting, runs),
      );
      progress.stop();
      console.log(
        json ? JSON.stringify(results) : `${finding}\n\nReport: ${join(out, "REPORT.md")}`,
      );
    }
    if (failed > 0) {
      progress.say(`${failed} of ${runs} runs failed and have no record`);
      Deno.exitCode = 1;
    }
  });
}

function shardSummary({ index, count }: Shard, absent: number): string {
  return `Shard ${index}/${count} has ended; no report yet, runs without a record: ${absent}`;
}

/** Everything that can be wrong is found before pictures are encoded and a device is kept busy. */
async function train(
  asked: Study,
  options: RunOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ runs: number; failed: number; absent: number; setting: AblationSetting }> {
  const { out, dataDir, adapter, fresh, command, from, shard } = options;
  const { say } = progress;
  const saved = from ? await findSavedRun(from) : undefined;
  const dataset = await loadStudyData(asked, { dataDir });
  const study = saved ? testedStudy(saved, asked, dataset) : asked;
  const runs = saved ? [savedSettings(saved, study)] : expandGrid(study);
  const warning = saved ? null : withoutBaseline(study);
  if (warning) say(warning);
  const language = await loadStudyLanguage(study, cacheDir());
  // Encoders ask for it at the first picture; a device is opened when all else is right.
  let opened: Awaited<ReturnType<typeof openEngine>>;
  const onEngine = { engine: () => opened.engine };
  const encoder = await loadStudyEncoder(study, cacheDir(), onEngine);
  let randomEncoder: Encoder | undefined;
  try {
    if (runs.some(seesRandomly)) {
      randomEncoder = await loadStudyEncoder(study, cacheDir(), { ...onEngine, randomSeed: 1 });
    }
    if (saved) checkSameModels(saved, { encoder, language });
    const questions = prepareStudy(study, dataset, encoder, language);
    const values = saved && await loadWeights(saved.weights, questions.decoder.config);
    const outlineOf = dataByRun(study, { encoder: questions });
    // Folds that cannot be made are refused here.
    outlineOf(runs[0]);
    opened = await openEngine(adapter, say);
    const { engine: untuned, record } = opened;
    const frozen = fresh ? undefined : await readFrozenPlan(out, record);
    let engine = withPlan(untuned, frozen ?? untuned.plan);
    const setting: AblationSetting = {
      ...{ study, dataset, encoder, language, engine, adapter: record, runs },
      from: saved?.record.weightsSha256,
    };
    if (fresh) {
      await makeWritable(out);
      await assertIdle(out);
    }
    const finished = fresh ? new Set<RunSettings>() : await openOutFolder(out, setting, say);
    const share = shard ? shareOf(runs, shard, outlineOf(runs[0])) : runs;
    const missing = share.filter((settings) => !finished.has(settings));
    if (missing.length < share.length) {
      say(`${share.length - missing.length} of ${share.length} runs are there already`);
    }
    let dataOf = outlineOf;
    if (missing.length > 0) {
      const outline = outlineOf(missing[0]);
      if (!frozen && finished.size === 0) {
        const folder = cachePart("kernels");
        ({ engine } = await tuneStudy(untuned, record, runs, outline, { folder, say }));
        if (!fresh) engine = withPlan(untuned, await freezePlan(out, record, engine.plan));
      }
      await checkKernels(engine, record, missing, outline, { trained: !saved, say });
      const encode = async (encoder: Encoder) =>
        await encodeStudy(encoder, dataset, questions, {
          cacheDir: cacheDir(),
          onProgress: (...state) => {
            signal.throwIfAborted();
            progress.task(...state);
          },
        });
      const encoded = await encode(encoder);
      const random = randomEncoder && missing.some(seesRandomly)
        ? await encode(randomEncoder)
        : undefined;
      dataOf = dataByRun(study, { encoder: encoded, random });
    }
    if (fresh) await beginAnew(out, record, engine.plan, say);
    const todo = new Set(missing);
    const followed = followRuns(runs, todo, dataOf);
    const { failed } = await ablate({
      ...setting,
      engine,
      values,
      dataOf,
      finished: new Set(runs.filter((settings) => !todo.has(settings))),
      out,
      command,
      signal,
      reopen: async () => {
        const { engine: again } = await openEngine(adapter, say);
        return withPlan(again, engine.plan);
      },
      onWait: (count) => say(`Waiting for ${count} runs of other processes`),
      checkpointSeconds: options.checkpointEvery,
      onRun: (index, note) => progress.ended(titleOf(setting, index), note),
      onProgress: (index, stage, step, steps, loss) =>
        progress.step(titleOf(setting, index), {
          ...{ stage, step, steps, loss },
          ...followed(index, stage, step),
        }),
    });
    const absent = (await absentRuns(out, runs)).length;
    return { runs: share.length, failed, absent, setting: { ...setting, engine } };
  } finally {
    await encoder.close?.();
    await randomEncoder?.close?.();
  }
}

/** Whether a run's pictures go through an encoder of random weights. */
function seesRandomly({ role }: RunSettings): boolean {
  return controlOf(role).randomEncoder === true;
}

/**
 * Says what the runs will cost, once their kernels are known to be right.
 *
 * @throws {Error} If one is wrong.
 */
async function checkKernels(
  engine: Engine,
  { description }: AdapterRecord,
  runs: readonly RunSettings[],
  outline: PreparedData,
  { trained, say }: { trained: boolean; say: (line: string) => void },
): Promise<void> {
  say("Checking the kernels against float64 values");
  assertSelfTest(await selfTest(engine, studyKernels(engine, runs, outline)));
  const speed = await measureSpeed(engine);
  const { seconds, bytes } = trained
    ? estimateStudy(runs, outline, engine.plan, speed)
    : estimateTest(runs[0], outline, engine.plan, speed);
  say(
    `${runs.length} runs, about ${duration(seconds)} on ${description}, ` +
      `${megabytes(bytes)} of device memory a run`,
  );
}

/** What a run is called while it is at work. */
function titleOf({ study, runs }: AblationSetting, index: number): RunTitle {
  const { arm, lambda, seed, fold, round } = runs[index];
  return {
    ...{ run: index + 1, runs: runs.length, arm, lambda, seed },
    ...(study.folds && { fold }),
    ...(round > 0 && { round }),
  };
}

/**
 * Moves earlier records aside, once all that can be wrong has been looked at without them, and
 * freezes the plan that was checked in their place.
 */
async function beginAnew(
  out: string,
  adapter: AdapterRecord,
  plan: KernelPlan,
  say: (line: string) => void,
): Promise<void> {
  const aside = await moveAside(out);
  if (aside) say(`Earlier records are now in ${aside}`);
  if (await freezePlan(out, adapter, plan) !== plan) {
    throw new RangeError(
      `Cannot begin anew: another process has begun in "${out}" meanwhile; start again without --fresh`,
    );
  }
}

/** Where a run and the grid stand, from the step of a stage. */
function followRuns(
  runs: readonly RunSettings[],
  todo: ReadonlySet<RunSettings>,
  dataOf: (settings: RunSettings) => PreparedData,
): (index: number, stage: string, step: number) => Pick<RunStep, "share" | "pace"> {
  const sum = (list: number[]) => list.reduce((sum, steps) => sum + steps, 0);
  /** Steps of each stage, by the run's place. */
  const stepsOf = new Map(
    [...runs.entries()].filter(([, settings]) => todo.has(settings)).map(([index, settings]) => {
      const { train } = dataOf(settings);
      return [index, settings.stages.map(({ training }) => stageSteps(train, training))];
    }),
  );
  const paceOf = createPace(new Map([...stepsOf].map(([index, each]) => [index, sum(each)])));
  return (index, stage, step) => {
    const each = stepsOf.get(index)!;
    const { stages } = runs[index];
    const place = stages.findIndex(({ name }) => name === stage);
    const { batch, questions } = stages[place].training;
    const done = sum(each.slice(0, place)) + step;
    const steps = sum(each);
    const pace = paceOf({ index, stage, step, done, steps, questions: batch * questions });
    return { share: done / steps, pace };
  };
}
