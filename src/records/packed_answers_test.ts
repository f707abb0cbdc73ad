import assert from "node:assert/strict";
import fc from "fast-check";
import {
  hashQuestions,
  packAnswers,
  type PackedAnswers,
  packedAnswersSchema,
  questionListSchema,
  unpackAnswers,
} from "./packed_answers.ts";
import type { GivenAnswer } from "./record.ts";

const given = fc.record({
  id: fc.string(),
  image: fc.string({ maxLength: 2 }),
  answer: fc.string({ maxLength: 3 }),
  correct: fc.boolean(),
}, { noNullPrototype: true });

/** What comes back from files. */
function throughText({ questions, packed }: ReturnType<typeof packAnswers>): GivenAnswer[] {
  return unpackAnswers(
    packedAnswersSchema.parse(JSON.parse(JSON.stringify(packed))),
    questionListSchema.parse(JSON.parse(JSON.stringify(questions))),
  );
}

Deno.test("answers come back as they were", () => {
  fc.assert(fc.property(fc.array(given), (answers) => {
    assert.deepEqual(throughText(packAnswers(answers)), answers);
  }));
  fc.assert(
    fc.property(fc.array(fc.tuple(given, fc.double({ min: 0, max: 1, noNaN: true }))), (scored) => {
      // JSON knows no negative zero.
      const answers = scored.map(([answer, score]) => ({ ...answer, score: score + 0 }));
      assert.deepEqual(throughText(packAnswers(answers)), answers);
    }),
  );
});

Deno.test("more texts than a byte tells apart come back too, and so do more than two do", () => {
  for (const texts of [256, 257, 65_537]) {
    const answers = Array.from({ length: texts }, (_, i) => ({
      ...{ id: `${i}`, image: `${i >> 2}`, answer: `text ${i}`, correct: i % 3 === 0 },
    }));
    const packed = packAnswers(answers);
    assert.deepEqual(throughText(packed), answers);
    const bytes = { 256: 1, 257: 2, 65_537: 4 }[texts]!;
    assert.equal(packed.packed.texts.places.length, 4 * Math.ceil(texts * bytes / 3));
  }
});

Deno.test("runs on the same questions share their list", () => {
  const answers = [
    { id: "1", image: "a", answer: "red", correct: true },
    { id: "2", image: "a", answer: "blue", correct: false },
    { id: "1", image: "b", answer: "red", correct: true },
  ];
  const { questions, packed } = packAnswers(answers);
  assert.deepEqual(questions, [["a", ["1", "2"]], ["b", ["1"]]]);
  assert.deepEqual(packed, {
    questions: hashQuestions(questions),
    texts: { values: ["red", "blue"], places: "AAEA" },
    correct: "BQ==",
  });
  const others = answers.map((answer) => ({ ...answer, answer: "green", correct: false }));
  assert.equal(packAnswers(others).packed.questions, packed.questions);
});

Deno.test("what does not fit its questions is refused", () => {
  const answers = Array.from(
    { length: 9 },
    (_, i) => ({ id: `${i}`, image: "a", answer: "red", correct: true }),
  );
  const { questions, packed } = packAnswers(answers);
  const refuses = (part: Partial<PackedAnswers>, message: string) =>
    assert.throws(() => unpackAnswers({ ...packed, ...part }, questions), {
      name: "RangeError",
      message: `Cannot unpack answers: ${message}`,
    });
  refuses({ questions: "0".repeat(64) }, "they are to other questions");
  refuses({ texts: { values: ["red"], places: "AAAA" } }, "3 do not answer 9 questions");
  refuses({ correct: "AA==" }, "8 do not answer 9 questions");
  refuses(
    { texts: { values: ["red"], places: "AAAAAAAAAAAB" } },
    "there is no value 1",
  );
  assert.throws(() => packAnswers([{ id: "7", answer: "red", correct: true }]), {
    name: "TypeError",
    message: 'Cannot pack answers: that to question "7" names no picture',
  });
});
