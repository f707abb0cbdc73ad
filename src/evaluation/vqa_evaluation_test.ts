import assert from "node:assert/strict";
import { evaluateVqa } from "./vqa_evaluation.ts";

const scored = (...scores: number[]) =>
  scores.map((score, id) => ({ id, questionType: "how many", answerType: "number", score }));

Deno.test("percentages that lie halfway between two decimals go to the even one, as in Python", () => {
  for (
    const [eighths, percent] of [[1, 0.12], [3, 0.38], [5, 0.62], [7, 0.88], [401, 50.12]]
  ) {
    // Of 800 questions one is an eighth of a percent.
    const all = Array.from({ length: 800 }, (_, i) => i < eighths ? 1 : 0);
    assert.equal(evaluateVqa(scored(...all)).accuracy.overall, percent);
  }
});

Deno.test("types named like inherited properties are types", () => {
  const types = ["constructor", "__proto__"];
  const scores = types.map((type, id) => ({ id, questionType: type, answerType: type, score: id }));
  const { accuracy } = evaluateVqa(scores);
  assert.deepEqual(Object.entries(accuracy.perAnswerType), [["constructor", 0], [
    "__proto__",
    100,
  ]]);
});

Deno.test("no scores have no mean", () => {
  assert.throws(() => evaluateVqa([]), {
    name: "RangeError",
    message: "Cannot average VQA accuracy: there are no scores",
  });
});
