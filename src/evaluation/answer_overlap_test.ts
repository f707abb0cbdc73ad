import assert from "node:assert/strict";
import fc from "fast-check";
import { bleu1, meanOverlap, tokenF1 } from "./answer_overlap.ts";
import { isCorrect } from "./vqa_accuracy.ts";

const CASES: [generated: string, truth: string, f1: number, bleu: number][] = [
  ["left lung", "left lung", 1, 1],
  ["Left-lung.", "leftlung", 1, 1],
  ["lung left", "left lung", 1, 1],
  ["heart", "left lung", 0, 0],
  ["left lung and heart", "left lung", 2 / 3, 1 / 2],
  ["lung", "lower left lung", 1 / 2, Math.exp(-2)],
  ["the lung", "lung", 1, 1 / 2],
  ["lung lung lung", "lung", 1 / 2, 1 / 3],
  ["", "lung", 0, 0],
  ["lung", "", 0, 0],
  ["", "...", 1, 1],
  ["the", "a", 1, 0],
  ["constructor", "toString", 0, 0],
];

for (const [generated, truth, f1, bleu] of CASES) {
  Deno.test(`"${generated}" for "${truth}" has token F1 ${f1} and BLEU-1 ${bleu}`, () => {
    assert.ok(Math.abs(tokenF1(generated, truth) - f1) < 1e-15);
    assert.ok(Math.abs(bleu1(generated, truth) - bleu) < 1e-15);
  });
}

const word = fc.constantFrom("left", "Left", "lung", "lung.", "heart", "upper");
const answer = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));

Deno.test("of answers of one word, token F1 and BLEU-1 are exact match", () => {
  fc.assert(fc.property(word, word, (generated, truth) => {
    const match = isCorrect(generated, truth) ? 1 : 0;
    assert.equal(tokenF1(generated, truth), match);
    assert.equal(bleu1(generated, truth), match);
  }));
});

Deno.test("token F1 takes no side, and both measures lie between exact match and 1", () => {
  fc.assert(fc.property(answer, answer, (generated, truth) => {
    assert.equal(tokenF1(generated, truth), tokenF1(truth, generated));
    for (const score of [tokenF1(generated, truth), bleu1(generated, truth)]) {
      assert.ok(score >= (isCorrect(generated, truth) ? 1 : 0) && score <= 1);
    }
  }));
});

Deno.test("the means are over questions, and no answers have none", () => {
  const pairs = [
    { generated: "left", truth: "left lung" },
    { generated: "lung", truth: "lung" },
  ];
  assert.deepEqual(meanOverlap(pairs), {
    exactMatch: 1 / 2,
    tokenF1: (2 / 3 + 1) / 2,
    bleu1: (Math.exp(-1) + 1) / 2,
  });
  assert.throws(() => meanOverlap([]), { message: "Cannot compare answers: there are none" });
});
