import assert from "node:assert/strict";
import type { GrowthPoint, GrowthRecord, WorkSize } from "./growth.ts";
import { renderGrowth } from "./growth_report.ts";

const BASE: WorkSize = { batch: 2, imageTokens: 4, hidden: 16, layers: 2, questions: 2 };

/** A made-up point; every second sample is a tenth slower, as on a machine that drifts. */
function point(
  axis: "batch" | "questions",
  value: number,
  milliseconds: number,
  overrides: Partial<GrowthPoint> = {},
): GrowthPoint {
  const size = { ...BASE, [axis]: value };
  return {
    axis,
    value,
    layout: "packed",
    size,
    stepsPerSample: 10,
    wall: [milliseconds, 1.1 * milliseconds],
    profiles: [],
    plannedBytes: value * 2 ** 20,
    parameterBytes: 2 ** 19,
    totalBytes: (value + 2) * 2 ** 20,
    uploadedBytes: 1536 * value,
    dispatches: 120,
    submits: 1,
    flops: value * 1e9,
    questionsPerStep: size.batch * size.questions,
    firstLosses: { tokenLoss: 5, cosineLoss: 1, gradientNorm: 2 },
    ...overrides,
  };
}

/** The same profile in both samples. */
const profiled = (matmul: number, adamw: number) => ({
  profiles: [{ matmul, adamw }, { matmul, adamw }],
});

const separate = (flops: number) => ({
  layout: "separate" as const,
  flops,
  firstLosses: { tokenLoss: 5.00001, cosineLoss: 1, gradientNorm: 2 },
});

const record: GrowthRecord = {
  base: BASE,
  samples: 2,
  points: [
    // Linear from 2 to 4, the square from 4 to 8.
    point("batch", 2, 10, profiled(6, 2)),
    point("batch", 4, 20, profiled(12, 2)),
    point("batch", 8, 80, { ...profiled(54, 6), stepsPerSample: 3 }),
    // 10 ms and 2 ms a question.
    point("questions", 1, 12),
    point("questions", 2, 14),
    point("questions", 4, 18),
    // 4 ms and 8 ms a question.
    point("questions", 1, 12, separate(1e9)),
    point("questions", 2, 20, separate(3e9)),
    point("questions", 4, 36, separate(8e9)),
  ],
};

/** Checked by hand: logs to base 2 of the batch's times are 0, 1, 3, so the slope is 3/2. */
const REPORT = `\
A whole training step of self-distillation at batch 2, 4 image tokens, 2 questions an image, hidden size 16 and 2 layers; one size grows, the others stay. Times are medians of 2 samples. A sample is the wall clock of 3 to 10 steps, packing and upload of the batch included, that are submitted without waiting and ended by one wait. GPU time is the sum of the timestamps of a step's dispatches, each in a pass of its own. Every axis goes through that step; its medians there are 10.5 to 14.7 ms.

### Exponents

Exponent p of cost = c size^p, least squares on logarithms, with its 95 % interval: how far the points lie from one power law. FLOP counts the work itself; an exponent of time below that of FLOP says that larger steps run at a higher rate.

| Growing                      | Sizes   |                 Time |    R² |             GPU time |                FLOP |      Planned memory |           All memory |
| ---------------------------- | ------- | -------------------: | ----: | -------------------: | ------------------: | ------------------: | -------------------: |
| Batch                        | 2, 4, 8 | 1.50 (−2.17 to 5.17) | 0.964 | 1.45 (−3.29 to 6.19) | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |  0.66 (0.10 to 1.22) |
| Questions an image, packed   | 1, 2, 4 | 0.29 (−0.22 to 0.81) | 0.981 |                      | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) | 0.50 (−0.12 to 1.12) |
| Questions an image, separate | 1, 2, 4 |  0.79 (0.39 to 1.20) | 0.998 |                      | 1.50 (0.88 to 2.12) | 1.00 (1.00 to 1.00) | 0.50 (−0.12 to 1.12) |

### Where growth is not linear

By the exponents of time between neighbouring sizes, each the mean over the rounds of samples with a t interval; the intervals of a row hold together at 95 %. Growth is slower than linear where the whole interval lies below 0.85, unbroken from the smallest size on; it is faster from the first size to which the whole interval lies above 1.15. The constant part is the intercept of a straight line through the sizes before that, errors relative, with its 95 % interval: what a dispatch costs, but also all work that this size does not touch. Where it is above zero, the growing part costs as much at the size beside it. The last column names the kernel whose share of the GPU time rises most from the smallest size to the largest.

| Growing                      | Slower than linear up to | Faster than linear from |   Constant part, ms | Growing part as large at | Rises most in GPU time |
| ---------------------------- | -----------------------: | ----------------------: | ------------------: | -----------------------: | ---------------------- |
| Batch                        |                  no size |                       8 |                     |                          | matmul: 75.0 to 90.0 % |
| Questions an image, packed   |                        4 |                 no size | 10.5 (10.5 to 10.5) |                      5.0 |                        |
| Questions an image, separate |                        4 |                 no size |    4.2 (4.2 to 4.2) |                      0.5 |                        |

### Packed and separate questions

Gain is the ratio of times, separate over packed, paired by round: its geometric mean and 95 % interval. FLOP ratio is that of the work. A single question is the same program both ways. The last column is the largest relative difference of token loss, cosine loss and gradient norm in the first step from equal weights.

| Image tokens | Questions an image | Packed, questions/s | Separate, questions/s |                Gain | FLOP ratio | Difference of first step |
| -----------: | -----------------: | ------------------: | --------------------: | ------------------: | ---------: | -----------------------: |
|            4 |                  1 |                 159 |                   159 | 1.00 (1.00 to 1.00) |       1.00 |                   2.0e-6 |
|            4 |                  2 |                 272 |                   190 | 1.43 (1.43 to 1.43) |       1.50 |                   2.0e-6 |
|            4 |                  4 |                 423 |                   212 | 2.00 (2.00 to 2.00) |       2.00 |                   2.0e-6 |

### All points

| Growing                      | Size | ms a step | Lowest to highest | Exponent from the size before | GPU ms | GFLOP/s | Questions/s | Planned MiB | Parameters MiB | All MiB | Uploaded KiB | Dispatches | Submits |
| ---------------------------- | ---: | --------: | ----------------: | ----------------------------: | -----: | ------: | ----------: | ----------: | -------------: | ------: | -----------: | ---------: | ------: |
| Batch                        |    2 |      10.5 |      10.0 to 11.0 |                               |   8.00 |   190.5 |         381 |         2.0 |            0.5 |     4.0 |          3.0 |        120 |       1 |
|                              |    4 |      21.0 |      20.0 to 22.0 |           1.00 (1.00 to 1.00) |   14.0 |   190.5 |         381 |         4.0 |            0.5 |     6.0 |          6.0 |        120 |       1 |
|                              |    8 |      84.0 |      80.0 to 88.0 |           2.00 (2.00 to 2.00) |   60.0 |    95.2 |         190 |         8.0 |            0.5 |    10.0 |         12.0 |        120 |       1 |
| Questions an image, packed   |    1 |      12.6 |      12.0 to 13.2 |                               |        |    79.4 |         159 |         1.0 |            0.5 |     3.0 |          1.5 |        120 |       1 |
|                              |    2 |      14.7 |      14.0 to 15.4 |           0.22 (0.22 to 0.22) |        |   136.1 |         272 |         2.0 |            0.5 |     4.0 |          3.0 |        120 |       1 |
|                              |    4 |      18.9 |      18.0 to 19.8 |           0.36 (0.36 to 0.36) |        |   211.6 |         423 |         4.0 |            0.5 |     6.0 |          6.0 |        120 |       1 |
| Questions an image, separate |    1 |      12.6 |      12.0 to 13.2 |                               |        |    79.4 |         159 |         1.0 |            0.5 |     3.0 |          1.5 |        120 |       1 |
|                              |    2 |      21.0 |      20.0 to 22.0 |           0.74 (0.74 to 0.74) |        |   142.9 |         190 |         2.0 |            0.5 |     4.0 |          3.0 |        120 |       1 |
|                              |    4 |      37.8 |      36.0 to 39.6 |           0.85 (0.85 to 0.85) |        |   211.6 |         212 |         4.0 |            0.5 |     6.0 |          6.0 |        120 |       1 |
`;

Deno.test("a record becomes this section, byte for byte", () => {
  assert.equal(renderGrowth(record), REPORT);
});

Deno.test("the section depends on the measurements, not on their order or on what JSON drops", () => {
  const axes = ["batch", "questions"];
  const points = record.points.toReversed()
    .sort((a, b) => axes.indexOf(a.axis) - axes.indexOf(b.axis))
    .sort((a, b) => a.layout.localeCompare(b.layout));
  assert.equal(renderGrowth(JSON.parse(JSON.stringify({ ...record, points }))), REPORT);
});

Deno.test("one sample and no timestamps are said to be so", () => {
  const points = record.points
    .filter(({ axis }) => axis === "batch")
    .map((point) => ({ ...point, wall: point.wall.slice(0, 1), profiles: [] }));
  const text = renderGrowth({ ...record, samples: 1, points });
  assert.match(text, /The adapter has no timestamps, so no GPU time is given\./);
  assert.match(text, /\| Batch +\| +one sample cannot tell \| +one sample cannot tell \|/);
  assert.doesNotMatch(text, /GPU ms|Packed and separate|Every axis/);
});

Deno.test("a lone point has a row and no exponents", () => {
  const text = renderGrowth({ ...record, points: record.points.slice(0, 1) });
  assert.match(text, /### All points/);
  assert.doesNotMatch(text, /### Exponents|### Where/);
});
