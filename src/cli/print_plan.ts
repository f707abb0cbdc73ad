/** `ablate --dry-run`: the runs of a study and what they will cost. */
import { printable } from "../data/one_line.ts";
import { cacheDir } from "../gpu/cache.ts";
import type { Engine } from "../gpu/engine.ts";
import { defaultPlan } from "../gpu/plan.ts";
import {
  ASSUMED_SPEED,
  estimateStudy,
  estimateTest,
  measureSpeed,
  type Speed,
} from "../study/estimate.ts";
import { expandGrid } from "../study/grid.ts";
import { dataByRun, loadStudyData, outlineStudy } from "../study/prepare.ts";
import { checkSameModels, findSavedRun, savedSettings, testedStudy } from "../study/saved_run.ts";
import { type Shard, shareOf } from "../study/shards.ts";
import { type Study, withoutBaseline } from "../study/study.ts";
import { duration, megabytes } from "./format.ts";
import { openEngine } from "./open_engine.ts";

/** What a plan depends on besides the study. */
export interface PlanOptions {
  dataDir?: string;
  adapter?: string;
  json?: true;
  /** Record of a trained run, which is tested and nothing is trained. */
  from?: string;
  /** The share of the grid that is planned; all of it when absent. */
  shard?: Shard;
}

/** Prints the plan of a study on standard output, as text or as one JSON value. Encodes and trains nothing. */
export async function printPlan(
  asked: Study,
  { dataDir, adapter, json, from, shard }: PlanOptions,
): Promise<void> {
  const saved = from ? await findSavedRun(from) : undefined;
  const dataset = await loadStudyData(asked, { dataDir });
  const study = saved ? testedStudy(saved, asked, dataset) : asked;
  const grid = saved ? [savedSettings(saved, study)] : expandGrid(study);
  const whole = await outlineStudy(study, dataset, cacheDir(), (models) => {
    if (saved) checkSameModels(saved, models);
  });
  const outline = dataByRun(study, { encoder: whole })(grid[0]);
  const all = shard ? shareOf(grid, shard, outline) : grid;
  const { engine, speed } = await askSpeed(adapter);
  const plan = engine?.plan ?? defaultPlan("image", true);
  const estimate = saved
    ? estimateTest(grid[0], outline, plan, speed)
    : estimateStudy(all, outline, plan, speed);
  const list = (wanted: (role: string) => boolean) =>
    all.filter(({ role }) => wanted(role))
      .map(({ arm, connector, lambda, seed, fold, stages }) => ({
        arm,
        connector,
        lambda,
        seed,
        fold,
        stages: stages.map(({ name }) => name),
      }));
  const runs = list((role) => role === "arm"), controls = list((role) => role !== "arm");
  if (json) {
    console.log(JSON.stringify({ runs, controls, estimate }, null, 2));
    return;
  }
  const warning = saved ? null : withoutBaseline(study);
  if (warning) console.error(warning);
  console.log(printable(`Study ${study.name}: ${study.title}`));
  for (const { arm, connector, lambda, seed, fold, stages } of [...runs, ...controls]) {
    console.log(
      `  ${arm}  connector ${connector}  lambda ${lambda}  seed ${seed}` +
        `${study.folds ? `  fold ${fold}` : ""}  stages ${stages.join(", ")}`,
    );
  }
  console.log(
    `${all.length} runs, about ${duration(estimate.seconds)}, ` +
      `${megabytes(estimate.bytes)} of device memory a run (speed ${speed.source})`,
  );
}

/** The adapter's speed; a plan can be made without one. */
async function askSpeed(adapter: string | undefined): Promise<{ engine?: Engine; speed: Speed }> {
  try {
    const { engine } = await openEngine(adapter, console.error);
    return { engine, speed: await measureSpeed(engine) };
  } catch (error) {
    if (adapter) throw error;
    console.error(
      `No adapter to measure (${(error as Error).message}); assuming ${
        ASSUMED_SPEED.flops / 1e9
      } GFLOP/s`,
    );
    return { speed: ASSUMED_SPEED };
  }
}
