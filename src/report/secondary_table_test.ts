import assert from "node:assert/strict";
import { bootstrapInterval } from "../evaluation/bootstrap.ts";
import { interquartileMean } from "../evaluation/interquartile_mean.ts";
import { exampleRun, exampleRuns, exampleStudy } from "../records/example_records.ts";
import type { RunRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { familyOf } from "./family.ts";
import { secondaryTable } from "./secondary_table.ts";

function rowsOf(runs: RunRecord[], arms?: string[]): string[][] {
  const conditions = groupRuns(runs);
  const config = arms && { analysis: { family: arms } };
  return secondaryTable(conditions, familyOf(exampleStudy({ config }), conditions)).split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
}

/** Twelve answers, `each` a picture, of which the first `right` are right. */
const answers = (right: number, each: number): RunRecord["answers"] =>
  Array.from({ length: 12 }, (_, i) => ({
    id: `q${i}`,
    image: `picture ${Math.floor(i / each)}`,
    answer: "",
    correct: i < right,
  }));

Deno.test("over seeds there are interquartile mean and probability of improvement, with intervals", () => {
  const [header, , ...rows] = rowsOf(exampleRuns([1, 2, 3, 4, 5]));
  assert.deepEqual(header, [
    "Arm",
    "λ",
    "Seeds",
    "IQM",
    "95 % of IQM",
    "P(better)",
    "95 % of P(better)",
  ]);
  assert.deepEqual(rows.map(([arm, , , iqm, , better]) => [arm, iqm, better]), [
    ["baseline", "83.6", ""],
    ["cosine-constraint", "84.7", "1.00"],
    ["self-distillation", "83.9", "0.60"],
  ]);
  assert.equal(rows[1].at(-1), "1.00 to 1.00");
});

Deno.test("over questions the error of a picture's questions is taken together", () => {
  const runs = (each: number) => [
    exampleRun({ answers: answers(4, each) }),
    exampleRun({ arm: "a", lambda: 1, answers: answers(8, each) }),
  ];
  const [header, , , row] = rowsOf(runs(2));
  assert.deepEqual(header.slice(3), [
    "Difference",
    "Clustered error",
    "95 % over questions",
    "p over questions",
  ]);
  // Two of six pictures gained both of their questions: s^2 = 8 / 33, and (8 / 3) / 144 is shared.
  assert.equal(row[3], "+33.33");
  assert.equal(row[4], (100 * Math.sqrt(8 / 33 / 12 + 8 / 3 / 144)).toFixed(2));
  // Four questions were won and none lost.
  const [single, , , alone] = rowsOf(runs(1));
  assert.deepEqual([single.at(-1), alone.at(-1)], ["p, McNemar", "0.125"]);
});

Deno.test("McNemar's test is left out with several seeds", () => {
  const runs = [1, 2].flatMap((seed) => [
    exampleRun({ seed, answers: answers(4, 1) }),
    exampleRun({ seed, arm: "a", lambda: 1, answers: answers(8, 1) }),
  ]);
  assert.ok(!rowsOf(runs)[0].includes("p, McNemar"));
  assert.ok(rowsOf(runs)[0].includes("p over questions"));
});

Deno.test("of a family only its members stand beside the baseline", () => {
  const rows = rowsOf(exampleRuns([1, 2, 3, 4, 5]), ["self-distillation"]).slice(2);
  assert.deepEqual(rows.map(([arm]) => arm), ["baseline", "self-distillation"]);
});

Deno.test("one seed without pictures has no secondary statistics", () => {
  assert.deepEqual(rowsOf(exampleRuns([1])), []);
});

Deno.test("intervals and p stand in their columns: of IQM by resampling, over questions by t", () => {
  const [header, , ...rows] = rowsOf(exampleRuns([1, 2, 3, 4, 5]));
  const cells = rows[1], at = header.indexOf("95 % of IQM");
  const own = exampleRuns([1, 2, 3, 4, 5]).filter(({ arm }) => arm === "cosine-constraint")
    .map(({ accuracy }) => accuracy.overall);
  const { low, high } = bootstrapInterval([own], ([drawn]) => interquartileMean(drawn));
  assert.equal(cells[at], `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`);
  assert.ok(low < interquartileMean(own) && interquartileMean(own) < high);
  // t = (1 / 3) / 0.196775 = 1.6940 with 5 degrees of freedom; 2.570582 is t at 97.5 %.
  const [, , , row] = rowsOf([
    exampleRun({ answers: answers(4, 2) }),
    exampleRun({ arm: "a", lambda: 1, answers: answers(8, 2) }),
  ]);
  assert.deepEqual(row.slice(-2), ["−17.25 to +83.92", "0.151"]);
});

Deno.test("McNemar's test is left out where answers have scores between right and wrong", () => {
  const scored = (right: number) =>
    answers(right, 1).map((given) => ({ ...given, score: given.correct ? 0.9 : 0 }));
  const [header] = rowsOf([
    exampleRun({ answers: scored(4) }),
    exampleRun({ arm: "a", lambda: 1, answers: scored(8) }),
  ]);
  assert.ok(header.includes("p over questions") && !header.includes("p, McNemar"));
});
