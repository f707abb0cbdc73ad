import assert from "node:assert/strict";
import { exampleRun, type RunOverrides } from "../records/example_records.ts";
import { chooseLambda } from "./chosen_lambda.ts";
import { groupRuns } from "./conditions.ts";

/** A run of arm `a` whose last validation gave this accuracy. */
function validated(lambda: number, seed: number, accuracy: number, overrides: RunOverrides = {}) {
  const validation = [{ step: 20, accuracy: 1 - accuracy }, { step: 40, accuracy }];
  const { losses } = exampleRun();
  return exampleRun({ arm: "a", lambda, seed, losses: { ...losses, validation }, ...overrides });
}

const choose = (...runs: ReturnType<typeof validated>[]) => chooseLambda(groupRuns(runs));

Deno.test("the lambda with the best mean of the last validations is chosen, whatever the test says", () => {
  const choice = choose(
    validated(0.5, 1, 0.5, { color: 1 }),
    validated(0.5, 2, 0.6, { color: 1 }),
    validated(2, 1, 0.75, { color: 0 }),
    validated(2, 2, 0.5, { color: 0 }),
    validated(10, 1, 0.5, { color: 1 }),
    validated(10, 2, 0.5, { color: 1 }),
  )!;
  assert.equal(choice.chosen.lambda, 2);
  assert.deepEqual(choice.scores, [
    { lambda: 0.5, validation: 0.55 },
    { lambda: 2, validation: 0.625 },
    { lambda: 10, validation: 0.5 },
  ]);
});

Deno.test("of equals the smaller lambda is chosen", () => {
  assert.equal(choose(validated(10, 1, 0.5), validated(2, 1, 0.5))!.chosen.lambda, 2);
});

Deno.test("only seeds that every lambda has are counted", () => {
  const choice = choose(validated(1, 1, 0.5), validated(2, 1, 0.25), validated(2, 2, 1))!;
  assert.deepEqual(choice.scores.map(({ validation }) => validation), [0.5, 0.25]);
  assert.equal(choice.chosen.lambda, 1);
});

Deno.test("without a validation at every lambda there is no choice", () => {
  const { losses } = exampleRun();
  const blind = validated(2, 1, 0, { losses: { ...losses, validation: [] } });
  assert.equal(choose(validated(1, 1, 0.5), blind), null);
  assert.equal(choose(validated(1, 1, 0.5), validated(2, 2, 0.5)), null);
  assert.equal(choose(), null);
});

Deno.test("a seed counts only where all of its folds were validated, with their mean", () => {
  const { losses } = exampleRun();
  const folds = (lambda: number, seed: number, a: number, b: number) => [
    validated(lambda, seed, a),
    validated(lambda, seed, b, {
      fold: 1,
      losses: { ...losses, validation: [{ step: 40, accuracy: b }] },
    }),
  ];
  const blind = validated(1, 2, 0, { fold: 1, losses: { ...losses, validation: [] } });
  const choice = choose(
    ...folds(1, 1, 0.25, 0.75),
    ...folds(2, 1, 0.5, 0.75),
    // At seed 2 lambda 1 has one fold alone, on which it is perfect.
    validated(1, 2, 1),
    blind,
    ...folds(2, 2, 0, 0),
  )!;
  assert.deepEqual(choice.scores.map(({ validation }) => validation), [0.5, 0.625]);
  assert.equal(choice.chosen.lambda, 2);
});
