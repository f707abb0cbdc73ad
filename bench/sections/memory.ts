/** Whether memory grows with the steps. */
import { count, fixed, signed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { runChild } from "../child.ts";
import type { BenchContext, Section, Target } from "../section.ts";
import { describeSize, QUICK_SIZE, type StepSize } from "../training_model.ts";

/** Memory after a step, bytes. */
export interface MemoryReading {
  step: number;
  /** Resident set of the process. */
  rss: number;
  /** JavaScript heap in use, garbage collected. */
  heap: number;
  /** Live matrices as the engine counts them. */
  engine: number;
}

/** Memory over a run. */
export interface MemoryRecord {
  size: string;
  readings: MemoryReading[];
}

/** The step after which everything is allocated and compiled. */
export const FIRST_STEP = 20;

/** Growth that counts as none. */
const TOLERANCE = 0.02;

async function measure({ longSteps, say }: BenchContext): Promise<MemoryRecord> {
  say(`Training for ${longSteps} steps to see memory`);
  return await measureMemory(QUICK_SIZE, longSteps);
}

/** Trains in a process of its own. */
export async function measureMemory(size: StepSize, steps: number): Promise<MemoryRecord> {
  const readings = await runChild<MemoryReading[]>(
    "sections/memory_child.ts",
    [`${steps}`, JSON.stringify(size)],
    { flags: ["--v8-flags=--expose-gc"] },
  );
  return { size: describeSize(size), readings };
}

const MEGABYTE = 1e6;

function render({ size, readings }: MemoryRecord): string {
  const [{ rss }] = readings;
  return `A process of its own trains (${size}); garbage is collected before each reading.\n\n` +
    table<MemoryReading>([
      { header: "Steps", align: "right", cell: ({ step }) => count(step) },
      { header: "Process MB", align: "right", cell: (row) => fixed(row.rss / MEGABYTE, 1) },
      {
        header: `Since step ${readings[0].step}`,
        align: "right",
        cell: (row) => `${signed(100 * (row.rss / rss - 1), 2)} %`,
      },
      { header: "Matrices MB", align: "right", cell: (row) => fixed(row.engine / MEGABYTE, 3) },
      { header: "JS heap MB", align: "right", cell: (row) => fixed(row.heap / MEGABYTE, 1) },
    ], readings);
}

function targets({ readings }: MemoryRecord): Target[] {
  const first = readings[0], last = readings.at(-1)!;
  const growth = last.rss / first.rss - 1;
  return [{
    what: `memory after ${count(last.step)} steps over that after ${count(first.step)}`,
    aim: "within 2 %, matrices equal",
    measured: `${signed(100 * growth, 2)} %, matrices ${
      last.engine === first.engine ? "equal" : "not equal"
    }`,
    met: Math.abs(growth) <= TOLERANCE && last.engine === first.engine,
  }];
}

/** Section `memory`. */
export const memory: Section<MemoryRecord> = {
  title: "Memory over a long run",
  measure,
  render,
  targets,
};
