import assert from "node:assert/strict";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { teacherTable } from "./teacher_table.ts";

const arm = (name: string, xi: number, connector = "mlp") => ({
  name,
  connector,
  rounds: { count: 2, xi },
});
const baseline = { name: "baseline", connector: "mlp" };
/** Three points of colour, one of all, a round; the first round is the baseline's. */
const runs = [1, 2].flatMap((seed) =>
  ["taught", "alone"].flatMap((name) =>
    [0, 1, 2].map((round) => {
      const gain = name === "taught" ? 0.03 * round : 0;
      return exampleRun({ arm: name, seed, round, color: 0.5 + 0.1 * seed + gain });
    })
  )
);
const tableOf = (arms: unknown[]) =>
  teacherTable(exampleStudy({ config: { arms } }), groupRuns(runs));

Deno.test("each round of a student stands beside the same round without a teacher", () => {
  const text = tableOf([baseline, arm("taught", 0.5), arm("alone", 0)]);
  assert.ok(
    text.endsWith(
      "\n| Arm    | Round | Less  | Seeds | Difference |  95 % interval |\n" +
        "| ------ | ----: | ----- | ----: | ---------: | -------------: |\n" +
        "| taught |     1 | alone |     2 |      +1.00 | +1.00 to +1.00 |\n" +
        "| taught |     2 | alone |     2 |      +2.00 | +2.00 to +2.00 |\n",
    ),
    text,
  );
});

Deno.test("an arm that differs in more than the teacher is no twin", () => {
  assert.equal(tableOf([baseline, arm("taught", 0.5), arm("alone", 0, "linear")]), "");
  assert.equal(tableOf([baseline, arm("taught", 0.5)]), "");
  assert.equal(tableOf([baseline, arm("alone", 0)]), "");
});

Deno.test("settings without arms have no table", () => {
  assert.equal(teacherTable(exampleStudy(), groupRuns(runs)), "");
});

Deno.test("a round is held against the same stage without a teacher", () => {
  // After the later stage the untaught arm is ten points of colour better.
  const staged = runs.flatMap((run) => [
    run,
    {
      ...run,
      stage: "joint+lora",
      accuracy: exampleRun({ color: 0.5 + (run.arm === "alone" ? 0.1 : 0) }).accuracy,
    },
  ]);
  const config = { arms: [baseline, arm("taught", 0.5), arm("alone", 0)] };
  const rows = teacherTable(exampleStudy({ config }), groupRuns(staged)).split("\n")
    .filter((line) => line.startsWith("| taught"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  assert.deepEqual(rows.map(([, , round, stage, , , difference]) => [round, stage, difference]), [
    ["1", "joint", "+1.00"],
    ["1", "joint+lora", "−3.33"],
    ["2", "joint", "+2.00"],
    ["2", "joint+lora", "−3.33"],
  ]);
});
