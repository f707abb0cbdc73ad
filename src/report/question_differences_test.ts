import assert from "node:assert/strict";
import { exampleRun } from "../records/example_records.ts";
import type { RunRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { questionDifferences } from "./question_differences.ts";

/** Answers to two questions about one picture and one about another, by whether they are right. */
const answers = (...right: boolean[]): RunRecord["answers"] =>
  right.map((correct, i) => ({ id: `q${i}`, image: i < 2 ? "one" : "two", answer: "", correct }));

function differencesOf(...runs: RunRecord[]) {
  const [baseline, arm] = groupRuns(runs);
  return questionDifferences(arm, baseline);
}

Deno.test("a question's difference is the mean over the seeds of both, under its picture", () => {
  assert.deepEqual(
    differencesOf(
      exampleRun({ seed: 1, answers: answers(true, false, false) }),
      exampleRun({ seed: 2, answers: answers(false, false, true) }),
      exampleRun({ seed: 1, arm: "a", answers: answers(true, true, false) }),
      exampleRun({ seed: 2, arm: "a", answers: answers(false, true, false) }),
      exampleRun({ seed: 3, arm: "a", answers: answers(true, true, true) }),
    ),
    [
      { image: "one", difference: 0 },
      { image: "one", difference: 1 },
      { image: "two", difference: -0.5 },
    ],
  );
});

Deno.test("where several people have answered, a score counts in place of right and wrong", () => {
  const [given] = answers(true);
  assert.deepEqual(
    differencesOf(
      exampleRun({ answers: [{ ...given, score: 0.25 }] }),
      exampleRun({ arm: "a", answers: [{ ...given, score: 1 }] }),
    ),
    [{ image: "one", difference: 0.75 }],
  );
});

Deno.test("the folds of a seed are one set of questions; what only one answered is left out", () => {
  const [first, second, third] = answers(true, true, true);
  assert.deepEqual(
    differencesOf(
      exampleRun({ fold: 0, answers: [{ ...first, correct: false }] }),
      exampleRun({ fold: 1, answers: [second] }),
      exampleRun({ arm: "a", fold: 0, answers: [first] }),
      exampleRun({ arm: "a", fold: 1, answers: [second, third] }),
    ),
    [{ image: "one", difference: 1 }, { image: "one", difference: 0 }],
  );
});

Deno.test("records that name no picture give none", () => {
  assert.equal(differencesOf(exampleRun(), exampleRun({ arm: "a" })), null);
});
