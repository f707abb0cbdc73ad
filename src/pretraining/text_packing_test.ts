import assert from "node:assert/strict";
import type { PackingLayout } from "../data/packing.ts";
import { type PackedText, packTexts, textEntries } from "./text_packing.ts";

const LAYOUT: PackingLayout = {
  ...{ batch: 2, prefix: 4, blocks: 2, block: 4, answers: 2 },
  ...{ vocabulary: 10, pad: 0 },
};
const TEXT: PackedText = {
  tokens: [1, 5, 6, 7],
  predicted: [false, false, true, true],
  questions: [{ prompt: [3, 4], answer: [8, 2] }],
};

Deno.test("a text stands in front of its questions, and its rows come before theirs", () => {
  const packed = packTexts([TEXT], LAYOUT);
  assert.equal(textEntries(LAYOUT), 8);
  assert.deepEqual([...packed.sources], [
    ...[1, 5, 6, 7, 3, 4, 8, 0, 0, 0, 0, 0],
    // There is no second text.
    ...Array(12).fill(0),
  ]);
  // Entries: four of the text, then two of each question; a token is predicted by the row before it.
  assert.deepEqual([...packed.labels.subarray(0, 8)], [-100, 6, 7, -100, 8, 2, -100, -100]);
  assert.deepEqual([...packed.answerRows.subarray(0, 8)], [-1, 1, 2, -1, 5, 6, -1, -1]);
  assert.ok(packed.labels.subarray(8).every((label) => label === -100));
  assert.ok(packed.answerRows.subarray(8).every((row) => row === -1));
  packed.answerOfRow.forEach((entry, row) =>
    assert.equal(entry, entry < 0 ? -1 : packed.answerRows.indexOf(row))
  );
  assert.equal(packed.answerOfRow.filter((entry) => entry >= 0).length, 4);
  assert.equal(packed.answerTokens, 4);
});

Deno.test("every token of the packed sources is found by its rows", () => {
  const { sources, starts, places } = packTexts([TEXT, TEXT], LAYOUT);
  for (let token = 0; token < LAYOUT.vocabulary; token++) {
    assert.deepEqual(
      [...places.subarray(starts[token], starts[token + 1])],
      [...sources.keys()].filter((row) => sources[row] === token),
    );
  }
});

Deno.test("without questions a shorter text is padded", () => {
  const layout = { ...LAYOUT, blocks: 0 };
  const text = { tokens: [1, 5], predicted: [false, true], questions: [] };
  const { sources, labels } = packTexts([text], layout);
  assert.deepEqual([...sources], [1, 5, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...labels], [5, ...Array(7).fill(-100)]);
});

Deno.test("a text that does not fit is refused, as is padding in front of questions", () => {
  const text = (length: number, questions = TEXT.questions): PackedText => ({
    tokens: Array(length).fill(5),
    predicted: Array(length).fill(true),
    questions,
  });
  assert.throws(
    () => packTexts([text(5, [])], LAYOUT),
    /^RangeError: Cannot pack text: 5 tokens do not fill 4$/,
  );
  assert.throws(
    () => packTexts([text(3)], LAYOUT),
    /^RangeError: Cannot pack text: 3 tokens do not fill 4 in front of questions$/,
  );
  packTexts([text(3, [])], LAYOUT);
});
