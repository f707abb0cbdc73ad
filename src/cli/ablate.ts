/** `ablate`: trains and compares the arms of a study, and writes its report. */
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { join } from "node:path";
import { openGpu } from "../gpu/adapter.ts";
import { cacheDir } from "../gpu/cache.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { createEngine, type Engine } from "../gpu/program.ts";
import { assertSelfTest, selfTest } from "../gpu/self_test.ts";
import { writeReport } from "../report/store.ts";
import { ablate } from "../study/ablate.ts";
import { ASSUMED_SPEED, type Estimate, estimateStudy, measureSpeed, type Speed } from "../study/estimate.ts";
import { expandGrid } from "../study/grid.ts";
import { loadStudy } from "../study/load.ts";
import { applyOptions, parseLambdas } from "../study/options.ts";
import { loadStudyData, outlineStudy, prepareStudy } from "../study/prepare.ts";
import type { Study } from "../study/study.ts";
import { duration, megabytes } from "./format.ts";
import { callerDir, callerPath } from "./paths.ts";
import { createProgress } from "./progress.ts";

/** The command `ablate`. */
export function ablateCommand() {
  return new Command("ablate")
    .summary("train and compare the arms of a study")
    .description("Trains every arm of a study under equal conditions and writes a report. Finished runs are kept and skipped.")
    .argument("[study]", "a study under ablations/, or the path of a study file", "quick")
    .option("--out <dir>", "folder of records and report (default: runs/STUDY)")
    .option("--arms <list>", "only these arms, joined by commas", names)
    .option("--lambda <list|from:to:step>", "weights of the regulariser, in place of the study's", orInvalid(parseLambdas))
    .option("--seeds <n>", "number of seeds, from 1", orInvalid(positiveInteger("seeds")))
    .option("--data <name>", "data set")
    .option("--data-dir <dir>", "folder of the data set, in its official layout")
    .option("--encoder <name|dir>", "patches, an image model of transformers.js by hub name, or its folder")
    .option("--steps <n>", "optimiser steps of a run", orInvalid(positiveInteger("steps")))
    .option("--set <path=value>", "any other field of the study, as in training.batch=8; may be repeated", collect)
    .option("--adapter <name>", "which adapter, by part of its name")
    .option("--dry-run", "list the runs and what they will cost, and stop")
    .option("--fresh", "move earlier records of this folder aside and begin anew")
    .option("--json", "print the results (or, with --dry-run, the plan) as JSON")
    .action(async (name, options) => {
      const loaded = await loadStudy(name, callerDir());
      const study = applyOptions(loaded, {
        ...options,
        encoder: options.encoder && await folderOrName(options.encoder),
      });
      if (options.dryRun) await printPlan(study, options);
      else await runStudy(name, study, options);
    });
}

/** Options that the parts below use. */
interface Options {
  out?: string;
  dataDir?: string;
  adapter?: string;
  fresh?: true;
  json?: true;
}

async function runStudy(name: string, study: Study, options: Options): Promise<void> {
  const out = callerPath(options.out ?? join("runs", study.name));
  const dataDir = options.dataDir === undefined ? undefined : callerPath(options.dataDir);
  const progress = createProgress();
  const abort = new AbortController();
  const interrupt = () => {
    if (abort.signal.aborted) Deno.exit(130);
    progress.say("Stopping after this step; finished runs are kept. Once more stops at once.");
    abort.abort();
  };
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const dataset = await loadStudyData(study, { dataDir });
    const { encoder, data } = await prepareStudy(study, dataset, { cacheDir: cacheDir(), onProgress: progress.task });
    if (options.fresh) await moveAside(out, progress.say);
    const { engine, record } = await openEngine(options, progress.say);
    progress.say("Checking the kernels against float64 values");
    assertSelfTest(await selfTest(engine));
    const runs = expandGrid(study);
    const estimate = estimateStudy(runs, data, engine.plan, await measureSpeed(engine));
    progress.say(`${runs.length} runs, about ${duration(estimate.seconds)} on ${record.description}, ${megabytes(estimate.bytes)} of device memory a run`);
    const title = (index: number) => {
      const { arm, lambda, seed } = runs[index];
      return `[${index + 1}/${runs.length}] ${arm} lambda ${lambda} seed ${seed}`;
    };
    const { diverged } = await ablate({
      study,
      dataset,
      encoder,
      data,
      engine,
      adapter: record,
      runs,
      out,
      command: reproducingCommand(name),
      signal: abort.signal,
      onRun: (_, index, state, note) => {
        if (state !== "begins") progress.say(`${title(index)}: ${state}${note && `, ${note}`}`);
      },
      onProgress: (index, step, steps, loss) => progress.task(`${title(index)}, loss ${loss.toFixed(3)}`, step, steps),
    });
    const { finding, results } = await writeReport(out);
    progress.stop();
    if (options.json) console.log(JSON.stringify(results));
    else console.log(`${finding}\n\nReport: ${join(out, "REPORT.md")}`);
    if (diverged > 0) {
      console.error(`${diverged} of ${runs.length} runs diverged and have no record`);
      Deno.exitCode = 1;
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    Deno.exitCode = 130;
  } finally {
    progress.stop();
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

async function openEngine({ adapter }: Options, say: (line: string) => void) {
  const gpu = await openGpu({ adapter, quiet: true });
  const { record, operandForm, device } = gpu;
  say(`Adapter: ${record.description} (driver: ${record.driver}), operands in ${operandForm} form`);
  return { record, engine: createEngine(device, defaultPlan(operandForm, record.software)) };
}

async function printPlan(study: Study, options: Options): Promise<void> {
  const dataDir = options.dataDir === undefined ? undefined : callerPath(options.dataDir);
  const dataset = await loadStudyData(study, { dataDir });
  const outline = await outlineStudy(study, dataset, cacheDir());
  const all = expandGrid(study);
  const { engine, speed } = await askSpeed(options);
  const estimate = estimateStudy(all, outline, engine?.plan ?? defaultPlan("image", true), speed);
  const list = (role: string) =>
    all.filter((settings) => settings.role === role)
      .map(({ arm, connector, lambda, seed, fold, stage }) => ({ arm, connector, lambda, seed, fold, stage }));
  const runs = list("arm"), controls = list("question-only");
  if (options.json) {
    console.log(JSON.stringify({ runs, controls, estimate }, null, 2));
    return;
  }
  console.log(`Study ${study.name}: ${study.title}`);
  for (const { arm, connector, lambda, seed, stage } of [...runs, ...controls]) {
    console.log(`  ${arm}  connector ${connector}  lambda ${lambda}  seed ${seed}  stage ${stage}`);
  }
  console.log(`${all.length} runs of ${study.training.steps} steps, about ${describe(estimate)} (speed ${speed.source})`);
}

/** The adapter's speed; a plan can be made without one. */
async function askSpeed({ adapter }: Options): Promise<{ engine?: Engine; speed: Speed }> {
  try {
    const { engine } = await openEngine({ adapter }, () => {});
    return { engine, speed: await measureSpeed(engine) };
  } catch (error) {
    if (adapter) throw error;
    console.error(`No adapter to measure (${(error as Error).message}); assuming ${ASSUMED_SPEED.flops / 1e9} GFLOP/s`);
    return { speed: ASSUMED_SPEED };
  }
}

const describe = ({ seconds, bytes }: Estimate) => `${duration(seconds)}, ${megabytes(bytes)} of device memory a run`;

/** Moves a folder's earlier records to a name of their own. Nothing is deleted. */
async function moveAside(out: string, say: (line: string) => void): Promise<void> {
  const stamp = new Date().toISOString().replace(/[:.]/g, "-");
  const to = `${out}.${stamp}`;
  try {
    await Deno.rename(out, to);
    say(`Earlier records are now in ${to}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The command as given, with folders by what they are. */
function reproducingCommand(study: string): string {
  const hidden: Record<string, string> = { "--out": "DIR", "--data-dir": "DIR", "--adapter": "NAME" };
  const given = Deno.args.slice(Deno.args.indexOf("ablate") + 1);
  const words: string[] = [];
  for (let i = 0; i < given.length; i++) {
    const [option, value] = given[i].split(/=(.*)/s);
    if (option === "--json" || option === "--fresh") continue;
    if (option in hidden) {
      if (value === undefined) i++;
      words.push(`${option} ${hidden[option]}`);
    } else {
      words.push(/[\\/]/.test(given[i]) ? "PATH" : given[i]);
    }
  }
  return ["deno task ablate", ...(words.length > 0 ? words : [study])].join(" ");
}

async function folderOrName(encoder: string): Promise<string> {
  const path = callerPath(encoder);
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory ? path : encoder, () => encoder);
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function names(text: string): string[] {
  return text.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** Turns a parser's error into commander's, which names the option. */
function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function positiveInteger(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1 || text.trim() === "") {
      throw new RangeError(`Number of ${what} must be a whole number from 1 up, got "${text}"`);
    }
    return value;
  };
}
