import assert from "node:assert/strict";
import fc from "fast-check";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid, recordName, runName } from "./grid.ts";

Deno.test("runs come seed by seed, arms in the study's order, the control last", () => {
  const runs = expandGrid(tinyStudy());
  const one = [
    "baseline 0",
    "cosine-constraint 0",
    "cosine-constraint 1",
    "self-distillation 0",
    "self-distillation 1",
    "question-only 0",
  ];
  assert.deepEqual(
    runs.map(({ arm, lambda, seed }) => `${arm} ${lambda} ${seed}`),
    [1, 2].flatMap((seed) => one.map((name) => `${name} ${seed}`)),
  );
});

Deno.test("the question-only control is trained as the baseline is", () => {
  const [baseline, , , , , control] = expandGrid(tinyStudy());
  assert.deepEqual(control, { ...baseline, role: "question-only", arm: "question-only" });
});

Deno.test("without an arm that has no objective, the control still has none", () => {
  const { arms } = tinyStudy();
  const control = expandGrid(tinyStudy({ arms: arms.slice(1) })).find(({ role }) =>
    role === "question-only"
  )!;
  assert.deepEqual([control.objective, control.lambda, control.connector], ["none", 0, "mlp"]);
});

Deno.test("a study without the control has no run of it", () => {
  const runs = expandGrid(tinyStudy({ controls: ["majority"] }));
  assert.deepEqual(new Set(runs.map(({ role }) => role)), new Set(["arm"]));
});

Deno.test("every run has a record of its own, and their number is seeds times conditions", () => {
  const lambdas = fc.uniqueArray(
    fc.double({ min: 0, max: 10, noNaN: true }).map((value) => value + 0),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), lambdas, lambdas, (seeds, a, b) => {
    const [baseline, cosine, self] = tinyStudy().arms;
    const arms = [baseline, { ...cosine, lambda: a }, { ...self, lambda: b }];
    const runs = expandGrid(tinyStudy({ seeds, arms }));
    assert.equal(runs.length, seeds * (1 + a.length + b.length + 1));
    assert.equal(
      new Set(
        runs.flatMap((run) =>
          run.stages.map(({ name }) => recordName(run, name, run.stages.length))
        ),
      ).size,
      runs.length,
    );
  }));
});

Deno.test("every seed has all folds of all conditions, and records tell folds and stages apart", () => {
  const [baseline, cosine] = tinyStudy().arms;
  const runs = expandGrid(tinyStudy({
    folds: { count: 3, by: "question", seed: 5 },
    arms: [
      { ...baseline, stages: ["projector", "projector+lora"] },
      { ...cosine, stages: ["projector"] },
    ],
    seeds: 2,
  }));
  assert.equal(runs.length, 2 * 3 * (1 + 2 + 1));
  assert.deepEqual(runs.slice(0, 12).map(({ fold, arm }) => `${fold} ${arm}`), [
    ...[0, 1, 2].flatMap((fold) =>
      ["baseline", "cosine-constraint", "cosine-constraint", "question-only"].map((arm) =>
        `${fold} ${arm}`
      )
    ),
  ]);
  const names = runs.flatMap((run) =>
    run.stages.map(({ name }) => recordName(run, name, run.stages.length))
  );
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names.slice(0, 3), [
    "baseline_lambda-0_seed-1_projector",
    "baseline_lambda-0_seed-1_projector+lora",
    "cosine-constraint_lambda-0_seed-1",
  ]);
  assert.ok(names.includes("baseline_lambda-0_seed-2_fold-2_projector+lora"));
  // The control goes the way of the baseline.
  const control = runs.find(({ role }) => role === "question-only")!;
  assert.deepEqual(control.stages.map(({ name }) => name), ["projector", "projector+lora"]);
});

Deno.test("controls with random models are trained as the baseline is", () => {
  const study = tinyStudy();
  // A study file may ask for it only where the decoder is pre-trained.
  const runs = expandGrid({ ...study, controls: ["random-encoder", "random-llm"] });
  const [baseline] = runs;
  for (const role of ["random-encoder", "random-llm"] as const) {
    const control = runs.find((run) => run.role === role);
    assert.deepEqual(control, { ...baseline, role, arm: role });
  }
});

Deno.test("a grid without measure is refused before it is made", () => {
  assert.throws(
    () => expandGrid(tinyStudy({ seeds: 1e12 })),
    /^RangeError: Cannot plan study tiny: 1000000000000 seeds of 6 runs each are more than 100000 runs$/,
  );
});

Deno.test("rounds follow each other, each a run with a record of its own", () => {
  const [arm] = tinyStudy().arms;
  const taught = { ...arm, name: "taught", rounds: { count: 2, xi: 0.5 } };
  const runs = expandGrid(tinyStudy({ arms: [arm, taught], seeds: 1, controls: [] }));
  assert.deepEqual(
    runs.map((run) => [runName(run), run.round, run.xi]),
    [
      ["baseline_lambda-0_seed-1", 0, 0],
      ["taught_lambda-0_seed-1", 0, 0.5],
      ["taught_lambda-0_seed-1_round-1", 1, 0.5],
      ["taught_lambda-0_seed-1_round-2", 2, 0.5],
    ],
  );
});
