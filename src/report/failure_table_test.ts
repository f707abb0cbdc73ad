import assert from "node:assert/strict";
import { exampleFailure, exampleRuns, exampleStudy } from "../records/example_records.ts";
import type { RunFailure } from "../records/record.ts";
import { failureTable } from "./failure_table.ts";
import { renderReport } from "./report.ts";

Deno.test("a failed run stands with what happened and where", () => {
  const lost = exampleFailure({
    arm: "baseline",
    lambda: 0,
    seed: 1,
    reason: "device lost",
    step: null,
  });
  assert.equal(
    failureTable([exampleFailure(), lost]).split("\n\n")[1],
    "| Arm      |   λ | Seed | What happened                                                     |  Step |\n" +
      "| -------- | --: | ---: | ----------------------------------------------------------------- | ----: |\n" +
      "| baseline |   0 |    1 | the device was lost, also after going on from the last checkpoint |       |\n" +
      "| vicreg   |   1 |    2 | a loss or a gradient was no number any more                       | 1,040 |\n",
  );
});

Deno.test("the report has the section where a run failed, and only there", () => {
  const render = (failures: RunFailure[]) =>
    renderReport(exampleStudy(), exampleRuns([1, 2]), undefined, failures).markdown;
  assert.match(render([exampleFailure()]), /^## Failed runs$/m);
  assert.doesNotMatch(render([]), /Failed runs/);
});
