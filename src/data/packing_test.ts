import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BatchEntry,
  imageRows,
  imageTokens,
  packBatch,
  type PackingLayout,
} from "./packing.ts";

const LAYOUT: PackingLayout = {
  batch: 2,
  prefix: 2,
  blocks: 2,
  block: 4,
  answers: 2,
  vocabulary: 9,
  pad: 0,
};

const ENTRIES: BatchEntry[] = [
  { image: 7, questions: [{ prompt: [5, 6], answer: [7, 2] }, { prompt: [3], answer: [2] }] },
  { image: 1, questions: [{ prompt: [5, 5, 8], answer: [6, 2] }] },
];

Deno.test("image tokens come first, then each question in a block of its own", () => {
  const { sources } = packBatch(ENTRIES, LAYOUT);
  assert.deepEqual([...sources], [
    ...[-1, -2, 5, 6, 7, 0, 3, 0, 0, 0],
    ...[-3, -4, 5, 5, 8, 6, 0, 0, 0, 0],
  ]);
  assert.deepEqual([...imageRows(LAYOUT)], [0, 1, 10, 11]);
});

Deno.test("each answer token is predicted from the row before it", () => {
  const packed = packBatch(ENTRIES, LAYOUT);
  assert.deepEqual([...packed.answerRows], [3, 4, 6, -1, 14, 15, -1, -1]);
  assert.deepEqual([...packed.labels], [7, 2, 2, -100, 6, 2, -100, -100]);
  assert.deepEqual([...packed.promptRows], [3, 6, 14, 16]);
  assert.deepEqual([...packed.promptLengths], [2, 1, 3, 1]);
  assert.equal(packed.answerTokens, 5);
});

Deno.test("places list the rows of each token in order", () => {
  const { starts, places } = packBatch(ENTRIES, LAYOUT);
  const rowsOf = (token: number) => [...places.subarray(starts[token], starts[token + 1])];
  assert.deepEqual(rowsOf(5), [2, 12, 13]);
  assert.deepEqual(rowsOf(6), [3, 15]);
  assert.deepEqual(rowsOf(0), [5, 7, 8, 9, 16, 17, 18, 19]);
  assert.deepEqual(rowsOf(4), []);
});

Deno.test("a batch that is not full is padded and counts nothing", () => {
  const packed = packBatch(ENTRIES.slice(0, 1), LAYOUT);
  assert.deepEqual([...packed.sources.subarray(10)], [-3, -4, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.ok(packed.labels.subarray(4).every((label) => label === -100));
  assert.equal(packed.answerTokens, 3);
});

Deno.test("lead tokens come before the image tokens of every sequence", () => {
  const layout = { ...LAYOUT, lead: [1, 4], prefix: 4 };
  assert.equal(imageTokens(layout), 2);
  assert.equal(imageTokens(LAYOUT), 2);
  const packed = packBatch(ENTRIES, layout);
  assert.deepEqual([...packed.sources], [
    ...[1, 4, -1, -2, 5, 6, 7, 0, 3, 0, 0, 0],
    ...[1, 4, -3, -4, 5, 5, 8, 6, 0, 0, 0, 0],
  ]);
  assert.deepEqual([...imageRows(layout)], [2, 3, 14, 15]);
  // Where the image stands, nothing else about the questions changes.
  const plain = packBatch(ENTRIES, LAYOUT);
  const moved = (row: number) => row < 0 ? row : row + (row < 10 ? 2 : 4);
  assert.deepEqual([...packed.answerRows], [...plain.answerRows].map(moved));
  assert.deepEqual([...packed.promptRows], [...plain.promptRows].map(moved));
  assert.deepEqual(packed.labels, plain.labels);
  assert.equal(packed.answerTokens, plain.answerTokens);
  // A lead token is a token like any other: its embedding gets a gradient from every sequence.
  const rowsOf = (token: number) => [
    ...packed.places.subarray(packed.starts[token], packed.starts[token + 1]),
  ];
  assert.deepEqual([rowsOf(1), rowsOf(4)], [[0, 12], [1, 13]]);
  // A sequence without a picture still has its lead.
  assert.deepEqual([...packBatch([], layout).sources.subarray(0, 6)], [1, 4, -1, -2, 0, 0]);
});

Deno.test("index arrays of any batch agree with each other", () => {
  const token = fc.integer({ min: 1, max: 8 });
  const question = fc.record({
    prompt: fc.array(token, { minLength: 1, maxLength: 3 }),
    answer: fc.array(token, { minLength: 0, maxLength: 2 }),
  });
  const entry = fc.record({ image: fc.nat(), questions: fc.array(question, { maxLength: 2 }) });
  fc.assert(fc.property(fc.array(entry, { maxLength: 2 }), (entries) => {
    const packed = packBatch(entries, LAYOUT);
    const tokens = [...packed.sources].filter((source) => source >= 0);
    assert.equal(packed.starts.at(-1), tokens.length);
    for (let token = 0; token < LAYOUT.vocabulary; token++) {
      const rows = packed.places.subarray(packed.starts[token], packed.starts[token + 1]);
      for (const row of rows) assert.equal(packed.sources[row], token);
    }
    packed.answerRows.forEach((row, at) => {
      if (row >= 0) assert.equal(packed.answerOfRow[row], at);
      assert.equal(row < 0, packed.labels[at] < 0);
    });
    assert.equal(packed.answerOfRow.filter((at) => at >= 0).length, packed.answerTokens);
    const labels = [...packed.labels].filter((label) => label >= 0);
    const answers = entries.flatMap(({ questions }) => questions.flatMap(({ answer }) => answer));
    assert.deepEqual(labels, answers);
  }));
});

Deno.test("what does not fit is refused with its sizes", () => {
  const question = { prompt: [1, 2, 3], answer: [4, 2] };
  const refused = (entries: BatchEntry[], message: string) =>
    assert.throws(() => packBatch(entries, LAYOUT), { name: "RangeError", message });
  // Three prompt tokens and two of the answer fill the block: the last is predicted, never read.
  packBatch([{ image: 0, questions: [question] }], LAYOUT);
  refused(
    [{ image: 0, questions: [{ ...question, prompt: [1, 2, 3, 4] }] }],
    "Cannot pack question: 4 prompt and 2 answer tokens exceed a block of 4 with 2 answers",
  );
  refused(
    [{ image: 0, questions: [{ prompt: [1], answer: [1, 1, 2] }] }],
    "Cannot pack question: 1 prompt and 3 answer tokens exceed a block of 4 with 2 answers",
  );
  refused(
    [{ image: 0, questions: [question, question, question] }],
    "Cannot pack batch: 3 questions exceed 2 an image",
  );
  refused(
    [0, 1, 2].map((image) => ({ image, questions: [question] })),
    "Cannot pack batch: 3 images exceed 2",
  );
});
