import assert from "node:assert/strict";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import type { Accuracy, RunRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { questionGroupsTable } from "./question_groups_table.ts";

/** Three questions that are not relational to one that is. */
const accuracy = (shape: number, side: number, closest: number): Accuracy => ({
  overall: (100 * shape + 200 * side + 100 * closest) / 400,
  byType: {
    "non-relational: shape": { accuracy: shape, n: 100 },
    "non-relational: side": { accuracy: side, n: 200 },
    "relational: closest": { accuracy: closest, n: 100 },
  },
});

const baseline = (change: Partial<RunRecord>): RunRecord => ({ ...exampleRun(), ...change });

const blind = (change: Partial<RunRecord>): RunRecord => ({
  ...exampleRun({ role: "question-only", arm: "question-only" }),
  accuracy: accuracy(0.5, 0.5, 0.5),
  ...change,
});

const data = (name: string) => ({ data: { ...exampleStudy().data, name } });

const rowsOf = (text: string) =>
  text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

Deno.test("questions of a group count alike, beside the question-only control", () => {
  const runs = [1, 2].flatMap((seed) => [
    baseline({ seed, accuracy: accuracy(0.6 + 0.03 * seed, 0.9, 0.5) }),
    blind({ seed }),
  ]);
  const text = questionGroupsTable(data("own"), groupRuns(runs));
  assert.deepEqual(rowsOf(text).filter((_, i) => i !== 1), [
    ...[[
      ...["Arm", "Seeds", "non-relational", "Over question-only", "95 % interval"],
      ...["relational", "Over question-only", "95 % interval"],
    ]],
    [
      "baseline",
      "2",
      "81.5 ± 6.4",
      "+31.50",
      "+25.15 to +37.85",
      "50.0 ± 0.0",
      "0.00",
      "0.00 to 0.00",
    ],
    ["question-only", "2", "50.0 ± 0.0", "", "", "50.0 ± 0.0", "", ""],
  ]);
  assert.doesNotMatch(text, /ublished/);
});

Deno.test("a condition is held against the control of its own stage", () => {
  const runs = (["projector", "projector+lora"] as const).flatMap((stage, i) => [
    baseline({ stage, accuracy: accuracy(0.7, 0.7, 0.7) }),
    blind({ stage, accuracy: accuracy(0.5 + 0.1 * i, 0.5 + 0.1 * i, 0.5) }),
  ]);
  const rows = rowsOf(questionGroupsTable(data("own"), groupRuns(runs)));
  assert.deepEqual(
    rows.filter(([arm]) => arm === "baseline").map(([, stage, , , over]) => [stage, over]),
    [
      ["projector", "+20.00"],
      ["projector+lora", "+10.00"],
    ],
  );
});

Deno.test("what others have published stands beside it, with its source and the distance", () => {
  const text = questionGroupsTable(
    data("sort-of-clevr"),
    groupRuns([baseline({ accuracy: accuracy(0.7, 0.7, 0.6) })]),
  );
  assert.match(
    text,
    /figures are of CNN\+MLP and Relation Network \(Santoro [^)]* 1706\.01427[^)]*\): models/,
  );
  assert.deepEqual(rowsOf(text).slice(2), [
    ["baseline", "1", "70.0", "60.0"],
    ["CNN+MLP, published", "", "> 94", "63"],
    ["Relation Network, published", "", "> 94", "> 94"],
  ]);
  assert.ok(text.endsWith(
    "\nIn points, baseline differs from CNN+MLP by −24.0 or lower (non-relational) and −3.0 (relational) and " +
      "Relation Network by −24.0 or lower (non-relational) and −34.0 or lower (relational).\n",
  ));
});

Deno.test("types without groups have no such table", () => {
  assert.equal(questionGroupsTable(data("sort-of-clevr"), groupRuns([exampleRun()])), "");
});
