import assert from "node:assert/strict";
import { groupRuns } from "./conditions.ts";
import { exampleRun } from "../records/example_records.ts";
import { lambdaChoiceTable } from "./lambda_choice_table.ts";

Deno.test("the chosen lambda stands beside all that were tried", () => {
  const [chosen] = groupRuns([exampleRun({ arm: "a", lambda: 2 })]);
  const scores = [{ lambda: 0.5, validation: 0.7 }, { lambda: 2, validation: 0.71255 }];
  assert.ok(
    lambdaChoiceTable([{ chosen, scores }]).endsWith(
      "| Arm |   λ | Chosen from λ (validation accuracy, %) |\n" +
        "| --- | --: | -------------------------------------- |\n" +
        "| a   |   2 | 0.5 (70.00), 2 (71.25)                 |\n",
    ),
  );
});

Deno.test("without a choice there is no table", () => {
  assert.equal(lambdaChoiceTable([]), "");
});
