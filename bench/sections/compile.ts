/** What a study's cold start spends on compiling shaders. */
import { fixed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { runChild } from "../child.ts";
import { spread } from "../measure.ts";
import type { BenchContext, Section, Target } from "../section.ts";

/** Milliseconds of one program: making it, its first run and its second. */
export interface CompileTiming {
  arm: string;
  program: string;
  created: number;
  first: number;
  second: number;
}

/** Cold starts, each with an empty shader cache, and warm ones after them. */
export interface CompileRecord {
  study: string;
  cold: CompileTiming[][];
  warm: CompileTiming[][];
}

const STUDY = "quick";
const COLD = 2;
/** Warm starts after each cold one. */
const WARM = 2;
const AIMS = { cold: 20, warm: 2 };

async function measure({ say }: BenchContext): Promise<CompileRecord> {
  const record: CompileRecord = { study: STUDY, cold: [], warm: [] };
  for (let round = 0; round < COLD; round++) {
    say(`Compiling study ${STUDY} with an empty shader cache, ${round + 1} of ${COLD}`);
    const cache = await Deno.makeTempDir({ prefix: "shaders-" });
    try {
      const start = async () =>
        await runChild<CompileTiming[]>("sections/compile_child.ts", [STUDY], {
          env: { MESA_SHADER_CACHE_DIR: cache },
        });
      record.cold.push(await start());
      for (let i = 0; i < WARM; i++) record.warm.push(await start());
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  }
  return record;
}

/** Drivers compile when a program is made or first runs, so what its second run takes is work. */
export const compileTime = ({ created, first, second }: CompileTiming) => created + first - second;

const total = (timings: CompileTiming[]) =>
  timings.reduce((sum, timing) => sum + compileTime(timing), 0) / 1000;

const STARTS = [["empty", "cold"], ["warm", "warm"]] as const;

function render(record: CompileRecord): string {
  return `Seconds from making a program to the end of its first run, less its second run, summed ` +
    `over the programs of the arms of study \`${record.study}\`: training steps, questions with ` +
    "decoding, projections. Each start is a process of its own.\n\n" +
    table<typeof STARTS[number]>([
      { header: "Shader cache", cell: ([name]) => name },
      { header: "Starts", align: "right", cell: ([, kind]) => String(record[kind].length) },
      {
        header: "Seconds (median)",
        align: "right",
        cell: ([, kind]) => fixed(spread(record[kind].map(total)).median, 2),
      },
      {
        header: "Range",
        align: "right",
        cell: ([, kind]) => {
          const totals = record[kind].map(total);
          return `${fixed(Math.min(...totals), 2)} to ${fixed(Math.max(...totals), 2)}`;
        },
      },
    ], STARTS) +
    "\nThe cache is Mesa's (`MESA_SHADER_CACHE_DIR`); another driver may keep one elsewhere, " +
    "which would make its cold start look warm.\n";
}

function targets(record: CompileRecord): Target[] {
  return STARTS.map(([name, kind]) => {
    const seconds = spread(record[kind].map(total)).median;
    return {
      what: `compiling for \`${record.study}\`, shader cache ${name}`,
      aim: `at most ${AIMS[kind]} s`,
      measured: `${fixed(seconds, 1)} s`,
      met: seconds <= AIMS[kind],
    };
  });
}

/** Section `compile`. */
export const compile: Section<CompileRecord> = {
  title: "Compiling at a cold start",
  measure,
  render,
  targets,
};
