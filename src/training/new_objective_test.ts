/** A loss that no one has written yet: registered, named by a study, and run. */
import assert from "node:assert/strict";
import { NO_OPTIONS, type Objective } from "../objectives/objective.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { expandGrid } from "../study/grid.ts";
import { linear } from "../tensor/linear.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { testEngines } from "../testing/gpu.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { run } from "./run.ts";

const [engine] = await testEngines();

/** 1 - cos(x, W z) with a matrix of its own. */
const LINEAR_CONSTRAINT: Objective = {
  name: "linear-constraint",
  formula: "L_cos = 1 - cos(x, W P1(x))",
  source: "this test",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters: ({ vision, hidden }) => [{
    name: "W",
    rows: vision,
    columns: hidden,
    initialisation: { kind: "kaiming-uniform" },
  }],
  trace: (tape, { x, z, parameters }) => cosineLoss(tape, linear(tape, z, parameters.get("W")!), x),
};

Deno.test("a new loss is a line in the table: a study names it, and it trains", async () => {
  OBJECTIVES[LINEAR_CONSTRAINT.name] = LINEAR_CONSTRAINT;
  try {
    const [arm] = tinyStudy().arms;
    const arms = [
      arm,
      { ...arm, name: "new", objective: LINEAR_CONSTRAINT.name, lambda: [1] },
    ];
    const study = tinyStudy({ arms, seeds: 1, controls: [] });
    const { data } = await prepareTiny(study);
    const [plain, regularised] = await Promise.all(
      expandGrid(study).map((settings) => Array.fromAsync(run(engine, settings, data))),
    );
    assert.notEqual(regularised[0].weightsSha256, plain[0].weightsSha256);
    const { cosineLoss } = regularised[0].losses;
    assert.ok(cosineLoss !== null && cosineLoss > 0 && cosineLoss < 2, `${cosineLoss}`);
    const matrix = regularised[0].weights.objective.get("W")!;
    assert.deepEqual([matrix.rows, matrix.columns], [data.width, data.decoder.config.hidden_size]);
  } finally {
    delete OBJECTIVES[LINEAR_CONSTRAINT.name];
  }
});
