/** `ablate --dry-run`: the runs of a study and what they will cost. */
import { cacheDir } from "../gpu/cache.ts";
import { defaultPlan } from "../gpu/plan.ts";
import type { Engine } from "../gpu/program.ts";
import { ASSUMED_SPEED, estimateStudy, measureSpeed, type Speed } from "../study/estimate.ts";
import { expandGrid } from "../study/grid.ts";
import { loadStudyData, outlineStudy } from "../study/prepare.ts";
import { type Shard, shareOf } from "../study/shards.ts";
import type { Study } from "../study/study.ts";
import { duration, megabytes } from "./format.ts";
import { openEngine } from "./open_engine.ts";

/** What a plan depends on besides the study. */
export interface PlanOptions {
  dataDir?: string;
  adapter?: string;
  json?: true;
  /** The share of the grid that is planned; all of it when absent. */
  shard?: Shard;
}

/** Prints the plan of a study on standard output, as text or as one JSON value. Encodes and trains nothing. */
export async function printPlan(
  study: Study,
  { dataDir, adapter, json, shard }: PlanOptions,
): Promise<void> {
  const grid = expandGrid(study);
  const dataset = await loadStudyData(study, { dataDir });
  const outline = await outlineStudy(study, dataset, cacheDir());
  const all = shard ? shareOf(grid, shard, outline) : grid;
  const { engine, speed } = await askSpeed(adapter);
  const estimate = estimateStudy(all, outline, engine?.plan ?? defaultPlan("image", true), speed);
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
  console.log(`Study ${study.name}: ${study.title}`);
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
