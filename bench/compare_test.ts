import assert from "node:assert/strict";
import { compareRecords, holm, renderComparison } from "./compare.ts";
import { exampleRecord } from "./example_record.ts";
import type { BenchRecord } from "./record.ts";

/** The example with other samples of the chosen plan, by benchmark. */
function withSamples(...samples: { wall: number[]; gpu: number[] | null }[]): BenchRecord {
  const record = exampleRecord();
  record.sections.kernels!.forEach((kernel, i) => kernel.chosen = samples[i]);
  return record;
}

const slow = [20, 21, 22, 23, 24], fast = [10, 11, 12, 13, 14], between = [10.5, 13.5, 9, 15, 12.5];
const old = withSamples({ wall: slow, gpu: slow }, { wall: fast, gpu: null });
const now = withSamples({ wall: slow, gpu: fast }, { wall: between, gpu: fast });

Deno.test("p-values are corrected step by step, in their order", () => {
  // R: p.adjust(c(0.01, 0.04, 0.03), "holm") is 0.03 0.06 0.06.
  assert.deepEqual(holm([0.01, 0.04, 0.03]).map((p) => p.toFixed(4)), [
    "0.0300",
    "0.0600",
    "0.0600",
  ]);
  assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

Deno.test("faster, slower and no difference are told apart, by one clock for both sides", () => {
  const verdicts = (a: BenchRecord, b: BenchRecord) =>
    compareRecords(a, b).map(({ verdict }) => verdict);
  assert.deepEqual(verdicts(old, now), ["faster", "no difference seen"]);
  assert.deepEqual(verdicts(now, old), ["slower", "no difference seen"]);
  const [, wall] = compareRecords(old, now);
  assert.deepEqual([wall.old, wall.now], [12, 12.5]);
});

Deno.test("only benchmarks of the same size are compared", () => {
  const other = withSamples({ wall: slow, gpu: slow }, { wall: fast, gpu: null });
  other.sections.kernels![0].size = "16 x 4 -> 4";
  assert.deepEqual(compareRecords(other, now).map(({ group }) => group), ["cosine loss, forward"]);
  assert.deepEqual(compareRecords({ ...old, sections: {} }, now), []);
});

Deno.test("the comparison names both sides", () => {
  assert.equal(
    renderComparison(compareRecords(old, now), old, now),
    `\
- Old: Some GPU, commit 0123abc, 2026-11-23T12:00:00.000Z
- New: Some GPU, commit 0123abc, 2026-11-23T12:00:00.000Z

| Benchmark            | Size       | Old ms | New ms | New / old |      p | p (Holm) | Verdict            |
| -------------------- | ---------- | -----: | -----: | --------: | -----: | -------: | ------------------ |
| projection, forward  | 8 x 4 -> 4 | 22.000 | 12.000 |     0.545 | 0.0079 |   0.0159 | faster             |
| cosine loss, forward | 4 x 4      | 12.000 | 12.500 |     1.042 | 1.0000 |   1.0000 | no difference seen |

Medians; two-sided Mann-Whitney test, corrected after Holm, at 0.05.
`,
  );
  assert.match(renderComparison([], old, now), /No benchmark is in both records/);
});
