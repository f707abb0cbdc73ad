import assert from "node:assert/strict";
import fc from "fast-check";
import { isCorrect, normaliseAnswer, scoreAnswer, scoreAnswers } from "./vqa_accuracy.ts";

Deno.test("answers are compared without case, punctuation and extra blanks", () => {
  assert.equal(normaliseAnswer("  The  LEFT\tlung. "), "the left lung");
  assert.equal(normaliseAnswer("T1-weighted (axial)!"), "t1weighted axial");
  assert.equal(normaliseAnswer("\u201cja\u201d"), "ja");
  assert.ok(isCorrect("Yes.", "yes"));
  assert.ok(!isCorrect("yes it is", "yes"));
  assert.ok(!isCorrect("the circle", "circle"), "articles count");
});

Deno.test("normalising an answer twice changes nothing more", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const once = normaliseAnswer(text);
    assert.equal(normaliseAnswer(once), once);
  }));
});

Deno.test("accuracy is the share of right answers, overall and by type in stable order", () => {
  const questions = [
    { answer: "red", type: "color" },
    { answer: "yes", type: "yes/no" },
    { answer: "blue", type: "color" },
    { answer: "circle", type: "constructor" },
  ];
  const accuracy = scoreAnswers(questions, ["Red", "no", "green", "circle"]);
  assert.deepEqual(accuracy, {
    overall: 0.5,
    byType: {
      color: { accuracy: 0.5, n: 2 },
      constructor: { accuracy: 1, n: 1 },
      "yes/no": { accuracy: 0, n: 1 },
    },
  });
  assert.deepEqual(Object.keys(accuracy.byType), [
    "color",
    "constructor",
    "yes/no",
  ]);
});

Deno.test("where several people have answered, how many agree is the score, and elsewhere exact match", () => {
  const answers = ["red", "red", "pink", "red", "rose", "red", "red", "red", "red", "red"];
  const questions = [
    { answer: "red", answers, type: "other" },
    { answer: "red", answers, type: "other" },
    { answer: "red", type: "color" },
  ];
  const { overall, byType } = scoreAnswers(questions, ["Red.", "pink", "pink"]);
  assert.ok(Math.abs(byType.other.accuracy - (1 + 0.3) / 2) < 1e-12);
  assert.deepEqual(byType.color, { accuracy: 0, n: 1 });
  assert.ok(Math.abs(overall - 1.3 / 3) < 1e-12);
});

Deno.test("people who said the same are different people", () => {
  assert.equal(scoreAnswer("red", { answer: "red", answers: Array(10).fill("red") }), 1);
});

Deno.test("the overall accuracy is the question-weighted mean over types", () => {
  const word = fc.constantFrom("a", "b");
  const item = fc.record({
    answer: word,
    type: fc.constantFrom("t", "u", "v"),
    said: word,
  });
  fc.assert(fc.property(fc.array(item, { minLength: 1 }), (items) => {
    const { overall, byType } = scoreAnswers(
      items,
      items.map(({ said }) => said),
    );
    const right = Object.values(byType).reduce(
      (sum, t) => sum + t.accuracy * t.n,
      0,
    );
    assert.ok(Math.abs(overall - right / items.length) < 1e-12);
    assert.equal(
      Object.values(byType).reduce((sum, t) => sum + t.n, 0),
      items.length,
    );
  }));
});

Deno.test("scoring refuses no questions and a missing answer", () => {
  assert.throws(() => scoreAnswers([], []), RangeError);
  assert.throws(
    () => scoreAnswers([{ answer: "a", type: "t" }], []),
    /^RangeError: Cannot score answers: 1 questions have 0 answers$/,
  );
});
