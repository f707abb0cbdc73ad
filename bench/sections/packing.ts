/** Packed questions against separate sequences. */
import type { BatchEntry } from "../../src/data/packing.ts";
import type { Engine } from "../../src/gpu/engine.ts";
import { readMatrix } from "../../src/gpu/memory.ts";
import type { StepLosses } from "../../src/models/training_step.ts";
import { count, fixed } from "../../src/report/number_format.ts";
import { table } from "../../src/report/table.ts";
import { spread, wallTime } from "../measure.ts";
import type { BenchContext, Section, Target } from "../section.ts";
import {
  type BenchStep,
  compileStep,
  describeSize,
  fullBatch,
  type StepSize,
  trialSize,
} from "../training_model.ts";

/** The same questions in one layout. */
export interface LayoutRecord {
  layout: string;
  size: string;
  dispatches: number;
  /** Floating-point operations of a step. */
  flops: number;
  /** Wall clock a step, one a sample. */
  milliseconds: number[];
  /** Of the first step, from the same first weights. */
  losses: StepLosses;
}

/** Both layouts, sampled in turn. */
export interface PackingRecord {
  questions: number;
  /** Steps of a sample, ended by one wait; absent from older records, where it was one step. */
  steps?: number;
  packed: LayoutRecord;
  separate: LayoutRecord;
  /** Norm of the difference of the first gradients over the norm of the packed one. */
  gradientDifference: number;
}

/** Float32 sums in another order: relative difference that is none. */
const TOLERANCE = 1e-4;
const AIM = 2.5;
/** Steps between two waits: a wait a step would draw the ratio of the layouts towards 1. */
const STEPS = 5;

/** Each question in a sequence of its own, behind the image that it is about. */
export function separated(
  size: StepSize,
  entries: BatchEntry[],
): { size: StepSize; entries: BatchEntry[] } {
  const single = entries.flatMap(({ image, questions }) =>
    questions.map((question) => ({ image, questions: [question] }))
  );
  const layout = { ...size.layout, batch: single.length, blocks: 1 };
  return { size: { ...size, layout }, entries: single };
}

async function measure({ engine, samples, say }: BenchContext): Promise<PackingRecord> {
  say("Training on packed and on separate questions");
  return await measurePacking(engine, trialSize(128), samples);
}

/** Trains in both layouts on all questions of a full batch. */
export async function measurePacking(
  engine: Engine,
  size: StepSize,
  samples: number,
): Promise<PackingRecord> {
  const entries = fullBatch(size.layout);
  const layouts = [{ layout: "packed", size, entries }, {
    layout: "separate",
    ...separated(size, entries),
  }];
  const steps: BenchStep[] = [];
  const records: LayoutRecord[] = [];
  for (const { layout, size, entries } of layouts) {
    const bench = compileStep(engine, size, entries);
    const { program } = bench.step;
    // The first step compiles; its losses and gradients are those of the first weights.
    bench.run();
    const [losses] = await bench.step.readLosses();
    const { dispatches, flops } = program;
    records.push({
      layout,
      size: describeSize(size),
      dispatches,
      flops,
      milliseconds: [],
      losses,
    });
    steps.push(bench);
  }
  const gradientDifference = await compareGradients(engine, steps[0], steps[1]);
  for (let round = 0; round < samples; round++) {
    for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
      records[i].milliseconds.push(await wallTime(engine.device, steps[i].run, STEPS) / STEPS);
    }
  }
  for (const { destroy } of steps) destroy();
  const [packed, separate] = records;
  const questions = entries.reduce((sum, { questions }) => sum + questions.length, 0);
  return { questions, steps: STEPS, packed, separate, gradientDifference };
}

/** After one step the first moments are the clipped gradients times 1 - beta1. */
async function compareGradients(engine: Engine, a: BenchStep, b: BenchStep): Promise<number> {
  let difference = 0, norm = 0;
  for (const [name, { m }] of a.step.moments) {
    const x = await readMatrix(engine.device, m.matrix!);
    const y = await readMatrix(engine.device, b.step.moments.get(name)!.m.matrix!);
    x.forEach((value, i) => {
      norm += value * value;
      difference += (value - y[i]) ** 2;
    });
  }
  return Math.sqrt(difference / norm);
}

/** Questions a second. */
const throughput = (questions: number, { milliseconds }: LayoutRecord) =>
  questions / (spread(milliseconds).median / 1000);

function speedup({ questions, packed, separate }: PackingRecord): number {
  return throughput(questions, packed) / throughput(questions, separate);
}

/** The largest relative difference of losses and gradient norms. */
function lossDifference({ packed, separate }: PackingRecord): number {
  const names = ["tokenLoss", "cosineLoss", "gradientNorm"] as const;
  return Math.max(
    ...names.map((name) => Math.abs(separate.losses[name]! / packed.losses[name]! - 1)),
  );
}

const inTurn = (steps: number | undefined) =>
  steps === undefined
    ? "Steps in turn, each with its wait."
    : `The layouts take turns of ${count(steps)} steps, each turn ended by one wait.`;

function render(record: PackingRecord): string {
  const { questions, steps, packed, separate, gradientDifference } = record;
  return `The same ${count(questions)} questions, trained on from the same first weights: the ` +
    `questions of an image in one sequence, and each in a sequence of its own. ${
      inTurn(steps)
    }\n\n` +
    table<LayoutRecord>([
      { header: "Layout", cell: ({ layout }) => layout },
      { header: "Size", cell: ({ size }) => size },
      { header: "GFLOP", align: "right", cell: ({ flops }) => fixed(flops / 1e9, 2) },
      {
        header: "ms a step",
        align: "right",
        cell: ({ milliseconds }) => fixed(spread(milliseconds).median, 1),
      },
      {
        header: "Quartiles",
        align: "right",
        cell: ({ milliseconds }) => {
          const { low, high } = spread(milliseconds);
          return `${fixed(low, 1)} to ${fixed(high, 1)}`;
        },
      },
      {
        header: "Questions/s",
        align: "right",
        cell: (layout) => fixed(throughput(questions, layout), 1),
      },
      { header: "L_TP", align: "right", cell: ({ losses }) => fixed(losses.tokenLoss, 6) },
      { header: "L_cos", align: "right", cell: ({ losses }) => fixed(losses.cosineLoss!, 6) },
      {
        header: "Gradient norm",
        align: "right",
        cell: ({ losses }) => fixed(losses.gradientNorm, 6),
      },
    ], [packed, separate]) +
    `\nLosses and gradient norms differ by at most ${
      lossDifference(record).toExponential(1)
    } of themselves, the gradients by ${
      gradientDifference.toExponential(1)
    } of their norm: float32 sums in another order.\n`;
}

function targets(record: PackingRecord): Target[] {
  const ratio = speedup(record);
  const difference = Math.max(lossDifference(record), record.gradientDifference);
  return [{
    what: "questions a second, packed over separate",
    aim: `at least ${AIM}`,
    measured: fixed(ratio, 2),
    met: ratio >= AIM,
  }, {
    what: "packed against separate: losses and gradients, largest relative difference",
    aim: `at most ${TOLERANCE.toExponential(0)}`,
    measured: difference.toExponential(1),
    met: difference <= TOLERANCE,
  }];
}

/** Section `packing`. */
export const packing: Section<PackingRecord> = {
  title: "Packed questions against separate sequences",
  measure,
  render,
  targets,
};
