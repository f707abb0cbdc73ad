import assert from "node:assert/strict";
import { majorityBaseline } from "./majority.ts";

const ask = (text: string, answer: string, type = "t") => ({
  text,
  answer,
  type,
});

Deno.test("the majority control gives the commonest training answer to the same question", () => {
  const train = [
    ask("what colour?", "red"),
    ask("what colour?", "Blue"),
    ask("what colour?", "blue"),
    ask("what shape?", "circle"),
  ];
  const accuracy = majorityBaseline(train, [
    ask("what colour?", "blue", "color"),
    ask("what colour?", "red", "color"),
    ask("what shape?", "circle", "shape"),
  ]);
  assert.deepEqual(accuracy.byType, {
    color: { accuracy: 0.5, n: 2 },
    shape: { accuracy: 1, n: 1 },
  });
});

Deno.test("an unseen question gets the commonest answer overall", () => {
  const train = [
    ask("a?", "yes"),
    ask("b?", "yes"),
    ask("c?", "no"),
    ask("c?", "no"),
    ask("c?", "no"),
  ];
  assert.equal(majorityBaseline(train, [ask("toString", "no")]).overall, 1);
  assert.equal(majorityBaseline(train, [ask("d?", "yes")]).overall, 0);
});

Deno.test("ties do not depend on the order of the training questions", () => {
  const train = [ask("a?", "yes"), ask("a?", "no")];
  const test = [ask("a?", "no")];
  assert.equal(majorityBaseline(train, test).overall, 1);
  assert.equal(majorityBaseline(train.toReversed(), test).overall, 1);
});

Deno.test("the majority answer is given as it was most often spelt, where several people judge it", () => {
  const train = ["T-shirt", "t shirt", "T-shirt", "tshirt"].map((answer) => ask("a?", answer));
  const answers = Array(10).fill("T-shirt");
  assert.equal(majorityBaseline(train, [{ ...ask("a?", "T-shirt"), answers }]).overall, 1);
});

Deno.test("the majority control refuses an empty training set", () => {
  assert.throws(
    () => majorityBaseline([], [ask("a?", "yes")]),
    /there are no training questions/,
  );
});
