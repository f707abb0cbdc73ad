import assert from "node:assert/strict";
import fc from "fast-check";
import { stream } from "../data/random.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { foldData, type Folds } from "./folds.ts";
import { freshLanguage, type PreparedData, type PreparedSplit } from "./prepared_data.ts";

const SIZE = 3;
let made = 0;

/**
 * A split with so many questions an image, of so many wordings; an image's features are its number,
 * said three times.
 */
function splitOf(questions: readonly number[], wordings = Infinity): PreparedSplit {
  const images = questions.map(() => ++made);
  return {
    features: Float32Array.from(images.flatMap((image) => Array(SIZE).fill(image))),
    questions: questions.map((count, i) =>
      Array.from({ length: count }, (_, q) => ({
        id: `${images[i]}/${q}`,
        text: `question ${q % wordings}`,
        image: "",
        truth: "",
        type: "any",
        prompt: [],
        answer: [],
      }))
    ),
  };
}

function dataOf(
  train: readonly number[],
  validation: readonly number[],
  wordings?: number,
): PreparedData {
  const { decoder, prompt: _ } = freshLanguage(tinyStudy().llm.shape!);
  return {
    tokenizer: { vocabularySize: 9, pad: 0, bos: 1, eos: 2, encode: () => [], decode: () => "" },
    decoder: decoder(9),
    lead: [],
    tokens: 1,
    width: SIZE,
    train: splitOf(train, wordings),
    validation: splitOf(validation, wordings),
    test: splitOf([1]),
    longestBlock: 1,
    longestAnswer: 1,
  };
}

const idsOf = ({ questions }: PreparedSplit) => questions.flat().map(({ id }) => id);
const questionsOf = ({ questions }: PreparedSplit) =>
  questions.flat().map(({ id, text }) => `${id.split("/")[0]} ${text}`);
const imagesOf = ({ questions }: PreparedSplit) =>
  questions.map(([{ id }]) => Number(id.split("/")[0]));
const foldsOf = (data: PreparedData, folds: Folds) =>
  Array.from({ length: folds.count }, (_, fold) => foldData(data, folds, fold));

const counts = fc.array(fc.nat(4), { maxLength: 12 });
const settings = fc.record({
  count: fc.integer({ min: 2, max: 4 }),
  by: fc.constantFrom("image" as const, "question" as const),
  seed: fc.nat(99),
});

Deno.test("over the folds every question of train and validation is tested once, and trained on in all others", () => {
  fc.assert(fc.property(counts, counts, settings, (train, validation, folds) => {
    const data = dataOf(train, validation);
    const pool = [...idsOf(data.train), ...idsOf(data.validation)];
    const images = [...train, ...validation].filter((count) => count > 0).length;
    fc.pre((folds.by === "image" ? images : pool.length) >= folds.count);
    const made = foldsOf(data, folds);
    assert.deepEqual(made.flatMap(({ test }) => idsOf(test)).sort(), pool.toSorted());
    for (const { train, validation, test, ...rest } of made) {
      assert.deepEqual([...idsOf(train), ...idsOf(test)].sort(), pool.toSorted());
      assert.deepEqual(validation, { features: new Float32Array(), questions: [] });
      assert.deepEqual(rest.lead, data.lead);
      for (const split of [train, test]) {
        // Each image has something to be asked, its own questions, and its own features.
        assert.ok(split.questions.every((list) => list.length > 0));
        for (const list of split.questions) {
          assert.equal(new Set(list.map(({ id }) => id.split("/")[0])).size, 1);
        }
        assert.deepEqual(
          [...split.features],
          imagesOf(split).flatMap((image) => Array(SIZE).fill(image)),
        );
      }
      if (folds.by === "image") {
        const seen = new Set(imagesOf(train));
        assert.ok(imagesOf(test).every((image) => !seen.has(image)));
      }
    }
    // As even as whole units allow.
    const sizes = made.map(({ test }) =>
      folds.by === "image" ? imagesOf(test).length : idsOf(test).length
    );
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
  }));
});

Deno.test("by question a picture is on both sides", () => {
  const [{ train, test }] = foldsOf(dataOf([8, 8], []), { count: 2, by: "question", seed: 1 });
  assert.ok(imagesOf(test).some((image) => imagesOf(train).includes(image)));
});

/** The ids of each fold as they are dealt where no question is asked twice, sorted. */
function dealt({ train, validation }: PreparedData, { count, seed }: Folds): string[][] {
  const ids = stream(seed, "folds/question").shuffle([...idsOf(train), ...idsOf(validation)]);
  return Array.from(
    { length: count },
    (_, fold) => ids.filter((_, place) => place % count === fold).sort(),
  );
}

Deno.test("where no question is asked twice, the shuffled ids are dealt in turn", () => {
  fc.assert(fc.property(counts, counts, settings, (train, validation, settings) => {
    const data = dataOf(train, validation);
    const folds = { ...settings, by: "question" as const };
    fc.pre([...train, ...validation].reduce((a, b) => a + b, 0) >= folds.count);
    assert.deepEqual(
      foldsOf(data, folds).map(({ test }) => idsOf(test).sort()),
      dealt(data, folds),
    );
  }));
});

Deno.test("a question asked again about a picture is on the side of the first, and moves no other", () => {
  const data = dataOf(Array(9).fill(6), [5, 3], 4);
  const folds: Folds = { count: 3, by: "question", seed: 1 };
  const made = foldsOf(data, folds);
  for (const { train, test } of made) {
    const trained = new Set(questionsOf(train));
    assert.ok(questionsOf(test).every((question) => !trained.has(question)));
  }
  const tested = made.map(({ test }) => idsOf(test));
  assert.deepEqual(tested.flat().sort(), [...idsOf(data.train), ...idsOf(data.validation)].sort());
  // The fifth and sixth question of a picture repeat the first two.
  const once = (ids: string[]) => ids.filter((id) => Number(id.split("/")[1]) < 4).sort();
  assert.deepEqual(tested.map(once), dealt(data, folds).map(once));
  assert.notDeepEqual(tested.map((ids) => ids.sort()), dealt(data, folds));
});

Deno.test("one wording about two pictures is two questions", () => {
  const data = dataOf(Array(12).fill(1), []);
  const folds: Folds = { count: 2, by: "question", seed: 1 };
  assert.deepEqual(foldsOf(data, folds).map(({ test }) => idsOf(test).length), [6, 6]);
});

Deno.test("the seed decides, and nothing else", () => {
  const data = dataOf([2, 2, 2, 2, 2, 2, 2, 2], [1, 1]);
  for (const by of ["image", "question"] as const) {
    const tested = (seed: number) =>
      foldsOf(data, { count: 3, by, seed }).map(({ test }) => idsOf(test));
    assert.deepEqual(tested(1), tested(1));
    assert.notDeepEqual(tested(1), tested(2));
  }
});

Deno.test("more folds than there is to fold are refused", () => {
  const data = dataOf([3, 0], [2]);
  assert.throws(
    () => foldData(data, { count: 3, by: "image", seed: 0 }, 0),
    /^RangeError: Cannot make 3 folds of 2 images$/,
  );
  assert.throws(
    () => foldData(data, { count: 6, by: "question", seed: 0 }, 0),
    /^RangeError: Cannot make 6 folds of 5 questions$/,
  );
  const repeats = dataOf([3, 0], [2], 1);
  assert.throws(
    () => foldData(repeats, { count: 3, by: "question", seed: 0 }, 0),
    /^RangeError: Cannot make 3 folds of 2 questions asked 5 times$/,
  );
});
