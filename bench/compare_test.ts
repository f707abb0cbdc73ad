import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { compareRecords, holm, renderComparison, SEEN_SPREAD, SESSION_SPREAD } from "./compare.ts";
import { exampleRecord } from "./example_record.ts";
import type { GrowthPoint, GrowthRecord } from "./growth.ts";
import { spread } from "./measure.ts";
import { type BenchRecord, readRecords } from "./record.ts";

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

Deno.test("what differs by no more than sessions do is not called faster or slower", () => {
  const times = (factor: number) => {
    const wall = fast.map((time) => factor * time);
    return withSamples({ wall, gpu: wall }, { wall, gpu: null });
  };
  const verdict = (factor: number) => compareRecords(times(1), times(factor))[0].verdict;
  // The ranges of samples do not meet from a factor of 1.4 on; p is 0.008, 0.016 after Holm.
  assert.equal(verdict(1.45), "slower");
  assert.equal(verdict(1 / 1.45), "faster");
  assert.equal(verdict(1.1), "no difference seen");
  const steady = (time: number) => {
    const wall = [0, 1, 2, 3, 4].map((i) => time + i / 100);
    return withSamples({ wall, gpu: wall }, { wall, gpu: null });
  };
  const drift = (time: number) => {
    const [{ p, verdict }] = compareRecords(steady(10), steady(time));
    return [p.toFixed(3), verdict];
  };
  assert.deepEqual(drift(12), ["0.008", "within the spread of sessions"]);
  assert.deepEqual(drift(12.9), ["0.008", "within the spread of sessions"]);
  assert.deepEqual(drift(8), ["0.008", "within the spread of sessions"]);
  assert.deepEqual(drift(13.1), ["0.008", "slower"]);
  assert.deepEqual(drift(7.6), ["0.008", "faster"]);
});

Deno.test("the spread of sessions is more than the committed record shows of one step", async () => {
  const folder = fileURLToPath(new URL("../reports/bench", import.meta.url));
  const { base, points } = (await readRecords(folder)).sections.growth as GrowthRecord;
  const same = points.filter(({ layout, size }) =>
    layout === "packed" &&
    Object.entries(base).every(([key, value]) => size[key as keyof typeof size] === value)
  );
  assert.equal(same.length, 5);
  const seen = (times: (point: GrowthPoint) => number[]) => {
    const medians = same.map((point) => spread(times(point)).median);
    return Number((Math.max(...medians) / Math.min(...medians)).toFixed(2));
  };
  const timestamps = ({ profiles }: GrowthPoint) =>
    profiles.map((profile) => Object.values(profile).reduce((sum, time) => sum + time, 0));
  assert.deepEqual(SEEN_SPREAD, {
    wall: seen(({ wall }) => wall),
    timestamps: seen(timestamps),
  });
  assert.ok(Math.max(SEEN_SPREAD.wall, SEEN_SPREAD.timestamps) < SESSION_SPREAD);
});

Deno.test("records of another adapter, processor or operand form are refused", () => {
  const refused = (change: (record: BenchRecord) => void, message: RegExp) => {
    const other = exampleRecord();
    change(other);
    assert.throws(() => compareRecords(other, exampleRecord()), message);
  };
  refused(
    ({ environment }) => environment.adapter.description = "Other GPU",
    /^Error: Cannot compare measurements: the adapter was "Other GPU" and is "Some GPU"$/,
  );
  refused(
    ({ environment }) => environment.processor.model = "Other CPU",
    /the processor was "Other CPU, 2 threads" and is "Some CPU, 2 threads"$/,
  );
  refused(({ environment }) => environment.processor.threads = 64, /"Some CPU, 64 threads"/);
  refused(
    ({ environment }) => environment.operandForm = "image",
    /the operand form was "image" and is "buffer"$/,
  );
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

Medians; two-sided Mann-Whitney test, corrected after Holm, at 0.05. Its samples share the state of the machine in their session, and sessions differ by themselves: faster or slower is only what also differs 1.3 times, more than one step did minutes apart in growth.json of this project (1.20 times by the wall clock, 1.26 by timestamps).
`,
  );
  assert.match(renderComparison([], old, now), /No benchmark is in both records/);
});
