import assert from "node:assert/strict";
import { officialResults } from "./official_results.ts";

const answers = [
  { id: "42000", answer: "two dogs", correct: false, score: 0.6 },
  { id: "7", answer: "", correct: false },
];

Deno.test("question ids of VQA v2.0 are numbers, as its official files have them", () => {
  assert.deepEqual(officialResults("vqa-v2", answers), [
    { question_id: 42000, answer: "two dogs" },
    { question_id: 7, answer: "" },
  ]);
});

Deno.test("question ids of other data sets stay strings, even of digits", () => {
  assert.deepEqual(officialResults("slake", answers).map(({ question_id }) => question_id), [
    "42000",
    "7",
  ]);
});
