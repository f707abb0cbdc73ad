/** Growth of a training step's cost as a section of Markdown; a pure function of the record. */
import { mean, median } from "simple-statistics";
import { type Interval, summarise } from "../src/evaluation/intervals.ts";
import { count, fixed } from "../src/report/number_format.ts";
import { type Column, table } from "../src/report/table.ts";
import type { Axis, GrowthPoint, GrowthRecord, QuestionLayout, WorkSize } from "./growth.ts";
import {
  findLinearRange,
  fitFixedCost,
  fitPowerLaw,
  LINEAR_EXPONENTS,
  type LocalExponent,
  localExponents,
  type PowerLaw,
} from "./power_law.ts";

const AXIS_NAMES: Record<Axis, string> = {
  batch: "Batch",
  imageTokens: "Image tokens",
  hidden: "Hidden size",
  layers: "Layers",
  questions: "Questions an image",
};

/** The points of one axis in one layout, by ascending value. */
interface Line {
  name: string;
  axis: Axis;
  layout: QuestionLayout;
  points: GrowthPoint[];
}

/** The section on how cost grows with work, below its heading. */
export function renderGrowth(record: GrowthRecord): string {
  const lines = linesOf(record.points);
  const sections = [
    ["### Exponents", exponents(lines.filter(({ points }) => points.length > 1))],
    ["### Where growth is not linear", linearity(lines.filter(({ points }) => points.length > 1))],
    ["### Packed and separate questions", packing(lines)],
    ["### All points", allPoints(lines)],
  ];
  return [
    introduction(record),
    ...sections.filter(([, body]) => body !== "").map(([heading, body]) => `${heading}\n\n${body}`),
  ].join("\n");
}

function linesOf(points: readonly GrowthPoint[]): Line[] {
  const layouts = new Map<Axis, Set<QuestionLayout>>();
  for (const { axis, layout } of points) {
    layouts.set(axis, (layouts.get(axis) ?? new Set()).add(layout));
  }
  return [...layouts].flatMap(([axis, of]) =>
    [...of].map((layout): Line => ({
      name: of.size > 1 ? `${AXIS_NAMES[axis]}, ${layout}` : AXIS_NAMES[axis],
      axis,
      layout,
      points: points.filter((point) => point.axis === axis && point.layout === layout)
        .sort((a, b) => a.value - b.value),
    }))
  );
}

function introduction({ base, samples, points }: GrowthRecord): string {
  const steps = points.map(({ stepsPerSample }) => stepsPerSample);
  const gpu = points.some(({ profiles }) => profiles.length > 0)
    ? "GPU time is the sum of the timestamps of a step's dispatches, each in a pass of its own."
    : "The adapter has no timestamps, so no GPU time is given.";
  return [
    `A whole training step of self-distillation at ${
      inSizes(base)
    }; one size grows, the others stay.`,
    `Times are medians of ${samples} samples. A sample is the wall clock of ${
      inRange(steps)
    } steps,`,
    "packing and upload of the batch included, that are submitted without waiting and ended by one wait.",
    gpu,
    repeatability(base, points),
  ].filter((sentence) => sentence !== "").join(" ") + "\n";
}

function inSizes({ batch, imageTokens, hidden, layers, questions }: WorkSize): string {
  return `batch ${batch}, ${imageTokens} image tokens, ${questions} questions an image, hidden size ${hidden} and ${layers} layers`;
}

const inRange = (values: number[]) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? count(low) : `${count(low)} to ${count(high)}`;
};

/** The base point is measured once for each axis, minutes apart: what differs there is the machine. */
function repeatability(base: WorkSize, points: readonly GrowthPoint[]): string {
  const times = points
    .filter(({ layout, size }) =>
      layout === "packed" &&
      Object.keys(base).every((key) => size[key as Axis] === base[key as Axis])
    ).map(({ wall }) => median(wall));
  if (times.length < 2) return "";
  const [low, high] = [Math.min(...times), Math.max(...times)].map(milliseconds);
  return `Every axis goes through that step; its medians there are ${low} to ${high} ms.`;
}

function exponents(lines: readonly Line[]): string {
  const fit = (points: GrowthPoint[], cost: (point: GrowthPoint) => number | null) => {
    const costs = points.map((point) => ({ x: point.value, y: cost(point) }));
    return costs.every((point): point is { x: number; y: number } => point.y !== null)
      ? fitPowerLaw(costs)
      : null;
  };
  const column = (header: string, cost: (point: GrowthPoint) => number | null): Column<Line> => ({
    header,
    align: "right",
    cell: ({ points }) => exponentCell(fit(points, cost)),
  });
  const wall = ({ wall }: GrowthPoint) => median(wall);
  const rows = table<Line>([
    { header: "Growing", cell: ({ name }) => name },
    { header: "Sizes", cell: ({ points }) => points.map(({ value }) => value).join(", ") },
    column("Time", wall),
    {
      header: "R²",
      align: "right",
      cell: ({ points }) => {
        const r2 = fit(points, wall)!.r2;
        return r2 === null ? null : fixed(r2, 3);
      },
    },
    column("GPU time", gpuTime),
    column("FLOP", ({ flops }) => flops),
    column("Planned memory", ({ plannedBytes }) => plannedBytes),
    column("All memory", ({ totalBytes }) => totalBytes),
  ], lines);
  const legend = [
    "Exponent p of cost = c size^p, least squares on logarithms, with its 95 % interval: how far the",
    "points lie from one power law. FLOP counts the work itself; an exponent of time below that of",
    "FLOP says that larger steps run at a higher rate.",
  ].join(" ");
  return rows && `${legend}\n\n${rows}`;
}

function exponentCell(law: PowerLaw | null): string | null {
  return law && withInterval(fixed(law.exponent, 2), law.interval, 2);
}

function withInterval(centre: string, interval: Interval | null, decimals: number): string {
  return interval
    ? `${centre} (${fixed(interval.low, decimals)} to ${fixed(interval.high, decimals)})`
    : centre;
}

function linearity(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const local = neighbours(line);
    const known = local.every(({ interval }) => interval !== null);
    const { below, above } = findLinearRange(local);
    const linear = line.points.filter(({ value }) => above === null || value < above);
    const cost = fitFixedCost(linear.map(({ value, wall }) => ({ x: value, y: median(wall) })));
    return { line, known, below, above, cost };
  });
  const say = (known: boolean, value: number | null, none: string) =>
    known ? (value === null ? none : count(value)) : "one sample cannot tell";
  const body = table<typeof rows[number]>([
    { header: "Growing", cell: ({ line }) => line.name },
    {
      header: "Slower than linear up to",
      align: "right",
      cell: ({ known, below }) => say(known, below, "no size"),
    },
    {
      header: "Faster than linear from",
      align: "right",
      cell: ({ known, above }) => say(known, above, "no size"),
    },
    {
      header: "Constant part, ms",
      align: "right",
      cell: ({ cost }) => cost && withInterval(fixed(cost.fixed, 1), cost.interval, 1),
    },
    {
      header: "Growing part as large at",
      align: "right",
      cell: ({ cost }) => cost && cost.interval.low > 0 ? fixed(cost.half, 1) : null,
    },
    { header: "Rises most in GPU time", cell: ({ line }) => largestGain(line) },
  ], rows);
  const legend = [
    "By the exponents of time between neighbouring sizes, each the mean over the rounds of samples",
    "with a t interval; the intervals of a row hold together at 95 %. Growth is slower than linear",
    `where the whole interval lies below ${LINEAR_EXPONENTS.low}, unbroken from the smallest size on;`,
    "it is faster from the first size to which the whole interval lies above",
    `${LINEAR_EXPONENTS.high}. The constant part is the intercept of a straight line through the`,
    "sizes before that, errors relative, with its 95 % interval: what a dispatch costs, but also all",
    "work that this size does not touch. Where it is above zero, the growing part costs as much at the",
    "size beside it. The last column names the kernel whose share of the GPU time rises most from the",
    "smallest size to the largest.",
  ].join(" ");
  return body && `${legend}\n\n${body}`;
}

function neighbours({ points }: Line): LocalExponent[] {
  return localExponents(points.map(({ value, wall }) => ({ value, samples: wall })));
}

function largestGain({ points }: Line): string | null {
  const [first, last] = [sharesOf(points[0]), sharesOf(points.at(-1)!)];
  if (!first || !last) return null;
  const gain = (kernel: string) => last[kernel] - (first[kernel] ?? 0);
  const kernel = Object.keys(last).reduce((a, b) => gain(b) > gain(a) ? b : a);
  const percent = (share: number) => fixed(100 * share, 1);
  return `${kernel}: ${percent(first[kernel] ?? 0)} to ${percent(last[kernel])} %`;
}

/** Each kernel's share of the GPU time; null without timestamps. */
function sharesOf({ profiles }: GrowthPoint): Record<string, number> | null {
  if (profiles.length === 0) return null;
  const times = Object.keys(profiles[0])
    .map((kernel): [string, number] => [kernel, mean(profiles.map((profile) => profile[kernel]))]);
  const total = times.reduce((sum, [, time]) => sum + time, 0);
  return Object.fromEntries(times.map(([kernel, time]) => [kernel, time / total]));
}

/** Median milliseconds of a step's dispatches; null without timestamps. */
function gpuTime({ profiles }: GrowthPoint): number | null {
  return profiles.length === 0 ? null : median(
    profiles.map((profile) => Object.values(profile).reduce((sum, time) => sum + time, 0)),
  );
}

function packing(lines: readonly Line[]): string {
  const pairs = lines.filter(({ layout }) => layout === "packed").flatMap(({ axis, points }) => {
    const partners = lines.find((line) => line.axis === axis && line.layout === "separate");
    return points.flatMap((packed) => {
      const separate = partners?.points.find(({ value }) => value === packed.value);
      return separate ? [{ packed, separate }] : [];
    });
  });
  const column = (
    header: string,
    cell: (packed: GrowthPoint, separate: GrowthPoint) => string,
  ): Column<typeof pairs[number]> => ({
    header,
    align: "right",
    cell: ({ packed, separate }) => cell(packed, separate),
  });
  const body = table<typeof pairs[number]>([
    column("Image tokens", ({ size }) => count(size.imageTokens)),
    column("Questions an image", ({ size }) => count(size.questions)),
    column("Packed, questions/s", perSecond),
    column("Separate, questions/s", (_, separate) => perSecond(separate)),
    column("Gain", gainCell),
    column("FLOP ratio", (packed, separate) => fixed(separate.flops / packed.flops, 2)),
    column(
      "Difference of first step",
      (packed, separate) => differenceOfLosses(packed, separate).toExponential(1),
    ),
  ], pairs);
  const legend = [
    "Gain is the ratio of times, separate over packed, paired by round: its geometric mean and 95 %",
    "interval. FLOP ratio is that of the work. A single question is the same program both ways. The",
    "last column is the largest relative difference of token loss, cosine loss and gradient norm in the",
    "first step from equal weights.",
  ].join(" ");
  return body && `${legend}\n\n${body}`;
}

function perSecond({ questionsPerStep, wall }: GrowthPoint): string {
  return count(1000 * questionsPerStep / median(wall));
}

function gainCell(packed: GrowthPoint, separate: GrowthPoint): string {
  const { mean, interval } = summarise(
    separate.wall.map((time, round) => Math.log(time / packed.wall[round])),
  );
  const ratios = interval && { low: Math.exp(interval.low), high: Math.exp(interval.high) };
  return withInterval(fixed(Math.exp(mean), 2), ratios, 2);
}

function differenceOfLosses({ firstLosses: a }: GrowthPoint, { firstLosses: b }: GrowthPoint) {
  const pairs = [
    [a.tokenLoss, b.tokenLoss],
    [a.cosineLoss ?? 0, b.cosineLoss ?? 0],
    [a.gradientNorm, b.gradientNorm],
  ];
  return Math.max(...pairs.map(([p, s]) => p === s ? 0 : Math.abs(p - s) / Math.abs(s)));
}

function allPoints(lines: readonly Line[]): string {
  const rows = lines.flatMap((line) => {
    const local = neighbours(line);
    return line.points.map((point, i) => ({
      point,
      name: i === 0 ? line.name : null,
      growth: local[i - 1],
    }));
  });
  const numbers = (
    header: string,
    cell: (point: GrowthPoint) => string | null,
  ): Column<typeof rows[number]> => ({ header, align: "right", cell: ({ point }) => cell(point) });
  return table<typeof rows[number]>([
    { header: "Growing", cell: ({ name }) => name },
    numbers("Size", ({ value }) => count(value)),
    numbers("ms a step", ({ wall }) => milliseconds(median(wall))),
    numbers(
      "Lowest to highest",
      ({ wall }) => `${milliseconds(Math.min(...wall))} to ${milliseconds(Math.max(...wall))}`,
    ),
    {
      header: "Exponent from the size before",
      align: "right",
      cell: ({ growth }) =>
        growth ? withInterval(fixed(growth.exponent, 2), growth.interval, 2) : null,
    },
    numbers("GPU ms", (point) => {
      const time = gpuTime(point);
      return time === null ? null : milliseconds(time);
    }),
    numbers("GFLOP/s", ({ flops, wall }) => fixed(flops / median(wall) / 1e6, 1)),
    numbers("Questions/s", perSecond),
    numbers("Planned MiB", ({ plannedBytes }) => mebibytes(plannedBytes)),
    numbers("Parameters MiB", ({ parameterBytes }) => mebibytes(parameterBytes)),
    numbers("All MiB", ({ totalBytes }) => mebibytes(totalBytes)),
    numbers("Uploaded KiB", ({ uploadedBytes }) => fixed(uploadedBytes / 2 ** 10, 1)),
    numbers("Dispatches", ({ dispatches }) => count(dispatches)),
    numbers("Submits", ({ submits }) => count(submits)),
  ], rows);
}

const milliseconds = (value: number) => fixed(value, value < 10 ? 2 : 1);
const mebibytes = (bytes: number) => fixed(bytes / 2 ** 20, 1);
