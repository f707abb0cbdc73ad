/** Where the time of a training step goes, kernel by kernel. */
import { count, fixed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { hasTimestamps, spread, wallTime } from "../measure.ts";
import type { BenchContext, Section } from "../section.ts";
import { compileStep, describeSize, trialSize } from "../training_model.ts";

/** What one kernel takes of a step. */
export interface KernelShare {
  kernel: string;
  dispatches: number;
  flops: number;
  /** Sum over its dispatches, of each profile. */
  milliseconds: number[];
}

/** A step of one size. */
export interface StepRecord {
  size: string;
  dispatches: number;
  /** By kernel; empty without timestamps. */
  kernels: KernelShare[];
  /** Steps that ran without a wait between them, in each round. */
  steps: number;
  /** Wall clock a step, of each round, with the wait at its end. */
  wall: number[];
}

const HIDDEN = [128, 256];
/** Rounds of a profile and steps without a wait, so that both meet the same machine. */
const ROUNDS = 5;
const STEPS = 5;

async function measure({ engine, say }: BenchContext): Promise<StepRecord[]> {
  const { device } = engine;
  const records: StepRecord[] = [];
  for (const size of HIDDEN.map(trialSize)) {
    say(`Profiling a step, hidden ${size.hidden}`);
    const { step: { program }, run, destroy } = compileStep(engine, size);
    await wallTime(device, run, 2);
    const shares = new Map<string, KernelShare>();
    const wall: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      if (hasTimestamps(device)) addProfile(shares, await program.profile(), round);
      wall.push(await wallTime(device, run, STEPS) / STEPS);
    }
    records.push({
      size: describeSize(size),
      dispatches: program.dispatches,
      kernels: [...shares.values()],
      steps: STEPS,
      wall,
    });
    destroy();
  }
  return records;
}

/** Adds the `index`-th profile of a step to the shares of its kernels. */
export function addProfile(
  shares: Map<string, KernelShare>,
  profile: { kernel: string; milliseconds: number; flops: number }[],
  index: number,
): void {
  for (const { kernel, milliseconds, flops } of profile) {
    const share = shares.get(kernel) ?? { kernel, dispatches: 0, flops: 0, milliseconds: [] };
    shares.set(kernel, share);
    if (index === 0) {
      share.dispatches++;
      share.flops += flops;
    }
    share.milliseconds[index] = (share.milliseconds[index] ?? 0) + milliseconds;
  }
}

interface Row {
  kernel: string;
  dispatches: number;
  flops: number;
  median: number;
}

function render(records: StepRecord[]): string {
  return records.map(renderStep).join("\n");
}

function renderStep({ size, dispatches, kernels, steps, wall }: StepRecord): string {
  const rows = kernels
    .map((share): Row => ({ ...share, median: spread(share.milliseconds).median }))
    .sort((a, b) => b.median - a.median);
  const total: Row = {
    kernel: "all",
    dispatches: rows.reduce((sum, row) => sum + row.dispatches, 0),
    flops: rows.reduce((sum, row) => sum + row.flops, 0),
    median: rows.reduce((sum, row) => sum + row.median, 0),
  };
  const { median, low, high } = spread(wall);
  const sums = kernels.length === 0
    ? "The adapter gives no timestamps."
    : `The kernels' medians add up to ${fixed(total.median, 1)} ms, ` +
      `${fixed(total.median / median, 2)} of that.`;
  const heading = `### ${size[0].toUpperCase()}${size.slice(1)}\n\n` +
    `A step of ${count(dispatches)} dispatches takes ${fixed(median, 1)} ms of wall clock ` +
    `(quartiles ${fixed(low, 1)} to ${fixed(high, 1)}): ${count(wall.length)} rounds of ` +
    `${count(steps)} steps without a wait between them, a profile before each. ${sums}\n`;
  if (kernels.length === 0) return heading;
  return heading + "\n" + table<Row>([
    { header: "Kernel", cell: ({ kernel }) => kernel },
    { header: "Dispatches", align: "right", cell: (row) => count(row.dispatches) },
    { header: "ms", align: "right", cell: ({ median }) => fixed(median, 2) },
    {
      header: "Share",
      align: "right",
      cell: ({ median }) => `${fixed(100 * median / total.median, 1)} %`,
    },
    {
      header: "GFLOP/s",
      align: "right",
      cell: ({ flops, median }) => flops > 0 ? fixed(flops / median / 1e6, 1) : null,
    },
  ], [...rows, total]);
}

/** Section `step profile`. */
export const stepProfile: Section<StepRecord[]> = {
  title: "Where the time of a training step goes",
  measure,
  render,
};
