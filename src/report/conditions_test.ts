import assert from "node:assert/strict";
import fc from "fast-check";
import { exampleRun, exampleRuns } from "../records/example_records.ts";
import { differenceToBaseline, groupRuns, measure, seedsOf } from "./conditions.ts";

Deno.test("runs are grouped in one order, however they come", () => {
  const runs = exampleRuns([2, 1, 3]);
  const names = (shuffled: typeof runs) => groupRuns(shuffled).map(({ name }) => name);
  const expected = [
    "baseline",
    "cosine-constraint (λ = 1)",
    "self-distillation (λ = 1)",
    "question-only",
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(runs, { minLength: runs.length }), (shuffled) => {
      assert.deepEqual(names(shuffled), expected);
      assert.deepEqual(groupRuns(shuffled), groupRuns(runs));
    }),
    { numRuns: 20 },
  );
  assert.deepEqual(seedsOf(groupRuns(runs)), [1, 2, 3]);
});

Deno.test("one arm at two lambdas is two conditions, the smaller lambda first", () => {
  const runs = [10, 2].map((lambda) => exampleRun({ arm: "a", lambda }));
  assert.deepEqual(groupRuns(runs).map(({ lambda }) => lambda), [2, 10]);
});

Deno.test("the folds of a seed are one replicate over all their questions", () => {
  const [condition] = groupRuns([
    exampleRun({ fold: 1, color: 0.5 }),
    exampleRun({ fold: 0, color: 0.7 }),
  ]);
  assert.equal(condition.replicates.length, 1);
  const { accuracy, runs } = condition.replicates[0];
  assert.deepEqual(runs.map(({ fold }) => fold), [0, 1]);
  assert.equal(accuracy.byType.color.n, 200);
  assert.ok(Math.abs(accuracy.byType.color.accuracy - 0.6) < 1e-12);
});

Deno.test("differences pair equal seeds, and only where the folds agree too", () => {
  const runs = [
    exampleRun({ seed: 1, color: 0.9 }),
    exampleRun({ seed: 2, color: 0.9 }),
    exampleRun({ seed: 2, fold: 1, color: 0.9 }),
    exampleRun({ seed: 1, arm: "a", lambda: 1, color: 0.96 }),
    exampleRun({ seed: 2, arm: "a", lambda: 1, color: 0 }),
    exampleRun({ seed: 3, arm: "a", lambda: 1, color: 0 }),
  ];
  const [baseline, arm] = groupRuns(runs);
  const difference = differenceToBaseline(arm, [baseline, arm])!;
  assert.equal(difference.n, 1);
  assert.ok(Math.abs(difference.mean - 0.02) < 1e-12);
  assert.equal(differenceToBaseline(baseline, [baseline, arm]), null);
  assert.equal(differenceToBaseline(arm, [arm]), null);
});

Deno.test("a measurement that no run has is null", () => {
  const [baseline] = groupRuns(exampleRuns([1, 2]));
  assert.equal(measure(baseline, ({ losses }) => losses.cosineLoss), null);
  assert.equal(measure(baseline, ({ losses }) => losses.tokenLoss)!.mean, 0.25);
});

Deno.test("a measurement over seeds is of the mean over each seed's folds", () => {
  const { losses } = exampleRun();
  const run = (seed: number, fold: number, tokenLoss: number) =>
    exampleRun({ seed, fold, losses: { ...losses, tokenLoss } });
  const [condition] = groupRuns([run(1, 0, 0.25), run(1, 1, 0.75), run(2, 0, 1), run(2, 1, 2)]);
  const { n, mean } = measure(condition, ({ losses }) => losses.tokenLoss)!;
  assert.deepEqual([n, mean], [2, 1]);
});

Deno.test("rounds, then stages, come in one order, however the runs come", () => {
  const runs = [1, 0, 2].flatMap((round) =>
    ["b", "a"].map((stage) => exampleRun({ arm: "taught", round, stage }))
  );
  const order = (of: typeof runs) => groupRuns(of).map(({ round, stage }) => `${round} ${stage}`);
  const expected = ["0 a", "0 b", "1 a", "1 b", "2 a", "2 b"];
  assert.deepEqual(order(runs), expected);
  assert.deepEqual(order(runs.toReversed()), expected);
});
