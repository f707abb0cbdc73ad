import assert from "node:assert/strict";
import { exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { lambdaChoiceTable } from "./lambda_choice_table.ts";

const validated = (accuracy: number) => ({
  ...exampleRun().losses,
  validation: [{ step: 20, accuracy: 0.1 }, { step: 40, accuracy }],
});

Deno.test("the chosen lambda stands beside all that were tried, and beside the baseline", () => {
  const conditions = groupRuns([
    exampleRun({ losses: validated(0.7) }),
    exampleRun({ seed: 2, losses: validated(0.71) }),
    exampleRun({ arm: "a", lambda: 2 }),
  ]);
  const chosen = conditions[1];
  const scores = [{ lambda: 0.5, validation: 0.7 }, { lambda: 2, validation: 0.71255 }];
  assert.ok(
    lambdaChoiceTable([{ chosen, scores }], conditions).endsWith(
      "| Arm |   λ | Chosen from λ (validation accuracy, %) | Baseline, validation |\n" +
        "| --- | --: | -------------------------------------- | -------------------: |\n" +
        "| a   |   2 | 0.5 (70.00), 2 (71.25)                 |                70.50 |\n",
    ),
  );
});

Deno.test("where the baseline was not validated its column is left out", () => {
  const [chosen] = groupRuns([exampleRun({ arm: "a", lambda: 2 })]);
  const scores = [{ lambda: 2, validation: 0.5 }];
  assert.doesNotMatch(lambdaChoiceTable([{ chosen, scores }], [chosen]), /Baseline/);
});

Deno.test("without a choice there is no table", () => {
  assert.equal(lambdaChoiceTable([], []), "");
});
