/** Every benchmark in the chosen plan beside its plain reference. */
import { count, fixed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { alternate, sameClock, spread, timesOf, type Timing } from "../measure.ts";
import { BENCHMARKS } from "../programs.ts";
import { roof } from "../roofline.ts";
import type { BenchContext, BenchFrame, Section, Target } from "../section.ts";

/** One benchmark: its work and its samples. */
export interface KernelRecord {
  group: string;
  size: string;
  /** Runs between two waits of the wall clock. */
  runs: number;
  dispatches: number;
  /** Floating-point operations of matrix products and attention. */
  flops: number;
  /** Compulsory traffic, bytes. */
  bytes: number;
  plain: Timing;
  chosen: Timing;
}

async function measure(context: BenchContext): Promise<KernelRecord[]> {
  const { engine, plain, samples, wants, say } = context;
  const records: KernelRecord[] = [];
  for (const { group, size, runs, bytes, prepare } of BENCHMARKS) {
    if (!wants(group)) continue;
    say(`Measuring ${group}`);
    const programs = [prepare(plain), prepare(engine)];
    const [reference, chosen] = await alternate(engine.device, programs, { runs, samples });
    const { dispatches, flops } = programs[1].program;
    for (const program of programs) program.destroy();
    records.push({ group, size, runs, dispatches, flops, bytes, plain: reference, chosen });
  }
  return records;
}

/** Median of the samples that figures are computed from, seconds. */
const seconds = (timing: Timing) => spread(timesOf(timing)).median / 1000;
/** How many times as long the plain form takes. */
const timesPlain = ({ plain, chosen }: KernelRecord) => {
  const [reference, times] = sameClock(plain, chosen).map((samples) => spread(samples).median);
  return reference / times;
};
const bandwidth = ({ bytes, chosen }: KernelRecord) => bytes / seconds(chosen);
const percent = (share: number) => `${fixed(100 * share, 0)} %`;

function render(records: KernelRecord[], { roofline }: BenchFrame): string {
  const peak = roof(roofline.arithmetic), copy = roof(roofline.copyKernel);
  const product = (record: KernelRecord, text: (flops: number) => string) =>
    record.flops > 0 ? text(record.flops / seconds(record.chosen)) : null;
  return table<KernelRecord>([
    { header: "Benchmark", cell: ({ group }) => group },
    { header: "Size", cell: ({ size }) => size },
    { header: "Dispatches", align: "right", cell: ({ dispatches }) => count(dispatches) },
    { header: "ms", align: "right", cell: ({ chosen }) => fixed(1000 * seconds(chosen), 2) },
    {
      header: "Quartiles",
      align: "right",
      cell: ({ chosen }) => {
        const { low, high } = spread(timesOf(chosen));
        return `${fixed(low, 2)} to ${fixed(high, 2)}`;
      },
    },
    {
      header: "Wall ms",
      align: "right",
      cell: ({ chosen }) => fixed(spread(chosen.wall).median, 2),
    },
    {
      header: "GFLOP/s",
      align: "right",
      cell: (record) => product(record, (rate) => fixed(rate / 1e9, 1)),
    },
    {
      header: "Of peak",
      align: "right",
      cell: (record) => product(record, (rate) => percent(rate / peak)),
    },
    { header: "GB/s", align: "right", cell: (record) => fixed(bandwidth(record) / 1e9, 2) },
    { header: "Of copy", align: "right", cell: (record) => percent(bandwidth(record) / copy) },
    { header: "Plain ms", align: "right", cell: ({ plain }) => fixed(1000 * seconds(plain), 2) },
    {
      header: "Times plain",
      align: "right",
      cell: (record) => fixed(timesPlain(record), 1),
    },
  ], records);
}

/** The roofs that may be meant by memcpy. */
const MEMCPY = [
  ["the copy kernel", "copyKernel"],
  ["the device's copy command", "copyCommand"],
  ["the host's memcpy", "host"],
] as const;
const COSINE_AIMS = [
  ["cosine loss, forward", 0.7],
  ["cosine loss, forward and backward", 0.5],
] as const;

function targets(records: KernelRecord[], { roofline }: BenchFrame): Target[] {
  return COSINE_AIMS.flatMap(([group, aim]) => {
    const record = records.find((record) => record.group === group);
    if (!record) return [];
    return MEMCPY.map(([name, kind]) => {
      const share = bandwidth(record) / roof(roofline[kind]);
      return {
        what: `${group}: bandwidth over that of ${name}`,
        aim: `at least ${aim}`,
        measured: fixed(share, 2),
        met: share >= aim,
      };
    });
  });
}

/** Section `kernels`. */
export const kernels: Section<KernelRecord[]> = {
  title: "Kernels beside their plain form",
  measure,
  render,
  targets,
};
