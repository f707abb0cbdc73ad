import assert from "node:assert/strict";
import { IGNORED } from "./cross_entropy.ts";
import { packQuestions } from "./packing.ts";

Deno.test("questions follow the image, each with positions of its own", () => {
  const packed = packQuestions(2, [
    { ids: [10, 11, 12], answerMask: [0, 0, 1] },
    { ids: [20, 21], answerMask: [0, 1] },
  ]);
  assert.deepEqual(packed, {
    ids: Int32Array.of(10, 11, 12, 20, 21),
    positions: Int32Array.of(0, 1, 2, 3, 4, 2, 3),
    segment: Int32Array.of(-1, -1, 0, 0, 0, 1, 1),
    targets: Int32Array.of(IGNORED, IGNORED, IGNORED, 12, IGNORED, 21, IGNORED),
  });
});

Deno.test("an answer right after the image is predicted by the last image token", () => {
  const { targets } = packQuestions(2, [{ ids: [7], answerMask: [1] }]);
  assert.deepEqual([...targets], [IGNORED, 7, IGNORED]);
});

Deno.test("two answers right after the image are refused", () => {
  const question = { ids: [7], answerMask: [1] };
  assert.throws(() => packQuestions(2, [question, question]), /question 1.*right after the image/);
});
