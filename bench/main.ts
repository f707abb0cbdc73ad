/**
 * `deno task bench`: measures what `deno bench` has no columns for, keeps every sample, and writes a
 * report that is a pure function of the record.
 */
import { Command, CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { callerPath } from "../src/cli/paths.ts";
import { replaceFile } from "../src/data/replace_file.ts";
import { openGpu } from "../src/gpu/adapter.ts";
import { createEngine } from "../src/gpu/engine.ts";
import { checkComparable, compareRecords, renderComparison } from "./compare.ts";
import { describeEnvironment, type Environment } from "./environment.ts";
import { chosenPlan, plainPlan } from "./plans.ts";
import { BENCHMARKS } from "./programs.ts";
import {
  type BenchRecord,
  readRecord,
  readRecords,
  SCHEMA_VERSION,
  writeRecords,
} from "./record.ts";
import { renderReport } from "./report.ts";
import { measureRoofline } from "./roofline.ts";
import type { BenchContext } from "./section.ts";
import { SECTIONS } from "./sections.ts";
import { FIRST_STEP } from "./sections/memory.ts";

const FOLDER = fileURLToPath(new URL("../reports/bench", import.meta.url));
const USAGE = 2;

/** Settings of a measurement. */
export interface BenchOptions {
  samples: number;
  /** What is measured has this in its name; empty for everything. */
  filter: string;
  longSteps: number;
  adapter?: string;
  /** Called before anything is measured; what it throws ends the measurement. */
  check?(environment: Environment): void;
  say(line: string): void;
}

/** Measures what the filter lets through, and the roofline. */
export async function measure(options: BenchOptions): Promise<BenchRecord> {
  const { samples, filter, longSteps, adapter, check, say } = options;
  const gpu = await openGpu({ adapter, quiet: true });
  const plan = chosenPlan(gpu);
  const engine = createEngine(gpu.device, plan);
  const environment = await describeEnvironment(gpu, plan, { samples, filter });
  check?.(environment);
  say(`Adapter: ${gpu.record.description} (driver: ${gpu.record.driver})`);
  say("Measuring the roofline");
  const roofline = await measureRoofline(engine, samples);
  const context: BenchContext = {
    engine,
    plain: createEngine(gpu.device, plainPlan(gpu)),
    samples,
    wants: (name) => name.includes(filter),
    longSteps,
    say,
  };
  const sections: BenchRecord["sections"] = {};
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (!section.measure) continue;
    const all = name.includes(filter);
    const some = name === "kernels" && BENCHMARKS.some(({ group }) => context.wants(group));
    if (!all && !some) continue;
    sections[name] = await section.measure(all ? { ...context, wants: () => true } : context);
  }
  return { schemaVersion: SCHEMA_VERSION, environment, roofline, sections };
}

/** A whole number of at least `least`. */
const wholeNumber = (least: number) => (text: string): number => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}`);
};

/** Text that something to measure has in its name. */
function checkFilter(text: string): string {
  const measured = Object.keys(SECTIONS).filter((name) => SECTIONS[name].measure);
  const names = [...BENCHMARKS.map(({ group }) => group), ...measured];
  if (names.some((name) => name.includes(text))) return text;
  throw new InvalidArgumentError(`Nothing has it in its name; there are ${names.join("; ")}`);
}

function benchCommand() {
  return new Command("bench")
    .description(
      "Measures kernels beside their plain form and whole training steps, and writes a report.",
    )
    .option("--out <dir>", "folder of the records and the report (default: reports/bench)")
    .option("--filter <text>", "only benchmarks and sections with this in their name", checkFilter)
    .option("--samples <n>", "samples of each benchmark and form", wholeNumber(1), 7)
    .option("--long-steps <n>", "steps of the memory test", wholeNumber(FIRST_STEP + 1), 2000)
    .option(
      "--adapter <name>",
      "system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .option("--json", "print the record on stdout")
    .option("--compare <file>", "compare with the bench.json of an earlier measurement")
    .option("--render-only", "measure nothing: rebuild the report from its records")
    .action(async ({ out, filter = "", json, compare, renderOnly, ...settings }) => {
      const dir = out === undefined ? FOLDER : callerPath(out);
      // A file that is unreadable or of another machine must show before minutes are spent.
      const old = compare === undefined ? undefined : await readRecord(callerPath(compare));
      const check = (environment: Environment) => {
        if (old) checkComparable(old.environment, environment);
      };
      if (!renderOnly) {
        await writeRecords(dir, await measure({ ...settings, filter, check, say: console.error }));
      }
      const record = await readRecords(dir);
      const comparison = old && compareRecords(old, record);
      const path = join(dir, "REPORT.md");
      await replaceFile(path, renderReport(record));
      if (json) console.log(JSON.stringify({ ...record, ...comparison && { comparison } }));
      else if (comparison) console.log(renderComparison(comparison, old, record));
      console.error(`Report: ${relative(Deno.cwd(), path)}`);
    });
}

/** Runs a command line. Errors become one line on standard error and an exit code. */
export async function main(args: string[]): Promise<void> {
  const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, " ");
  const command = benchCommand().exitOverride().configureOutput({
    writeOut: (text) => console.log(text.trimEnd()),
    writeErr: (text) => console.error(text.trimEnd()),
    outputError: (text) => console.error(oneLine(text)),
  });
  try {
    await command.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      Deno.exitCode = error.exitCode === 0 ? 0 : USAGE;
      return;
    }
    if (Deno.env.get("PLUMBLINE_DEBUG")) throw error;
    console.error(oneLine(`error: ${(error as Error).message}`));
    Deno.exitCode = 1;
  }
}

if (import.meta.main) {
  await main(Deno.args);
  // Handles that a library keeps open must not keep a finished program alive.
  Deno.exit();
}
