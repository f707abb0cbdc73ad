import assert from "node:assert/strict";
import type { Dataset, Example } from "../data/dataset.ts";
import type { Features } from "../encoders/features.ts";
import { meanImage, prepareQuestions, withConstantImage, withFeatures } from "./prepared_data.ts";

type Asked = [text: string, answer: string][];

/** A data set of pictures that no one looks at; one list of questions a picture. */
function dataset(train: Asked[], validation: Asked[] = [], test: Asked[] = []): Dataset {
  const examples = (split: string, pictures: Asked[]): Example[] =>
    pictures.map((asked, picture) => ({
      id: `${split}/${picture}`,
      image: () => Promise.reject(new Error("no picture is needed")),
      questions: asked.map(([text, answer], i) => ({
        id: `${split}/${picture}/${i}`,
        text,
        answer,
        type: "any",
      })),
    }));
  return {
    name: "made up",
    source: "a test",
    train: examples("train", train),
    validation: examples("validation", validation),
    test: examples("test", test),
    contentHash: "0",
  };
}

const SHAPE = { tokens: 2, width: 3 };

Deno.test("a prompt ends with the begin mark and an answer with the end mark", () => {
  const { tokenizer, train } = prepareQuestions(dataset([[["what shape?", "circle"]]]), SHAPE, 99);
  const [[{ prompt, answer, truth, id }]] = train.questions;
  assert.equal(prompt.at(-1), tokenizer.bos);
  assert.equal(tokenizer.decode(prompt.slice(0, -1)), "what shape?");
  assert.equal(answer.at(-1), tokenizer.eos);
  assert.equal(tokenizer.decode(answer.slice(0, -1)), "circle");
  assert.deepEqual([truth, id], ["circle", "train/0/0"]);
});

Deno.test("a block holds the longest question of any split with the longest training answer", () => {
  const data = prepareQuestions(
    dataset([[["a b", "c d e"], ["a", "c"]]], [[["a a a a", "c"]]], [[["a b a", "c"]]]),
    SHAPE,
    99,
  );
  // Four words and the mark; three words and the mark, the last of which is never read.
  assert.equal(data.longestAnswer, 4);
  assert.equal(data.longestBlock, 5 + 4 - 1);
  for (const { questions } of [data.train, data.validation, data.test]) {
    for (const { prompt, answer } of questions.flat()) {
      assert.ok(answer.length <= data.longestAnswer);
      assert.ok(prompt.length + answer.length - 1 <= data.longestBlock);
    }
  }
});

Deno.test("a test answer longer than any training answer widens nothing and keeps its text", () => {
  const train: Asked[] = [[["a", "b"]]];
  const narrow = prepareQuestions(dataset(train, [], [[["a", "b"]]]), SHAPE, 99);
  const wide = prepareQuestions(
    dataset(train, [], [[["a", "a long answer that none has seen"]]]),
    SHAPE,
    99,
  );
  assert.equal(wide.longestAnswer, narrow.longestAnswer);
  assert.equal(wide.longestBlock, narrow.longestBlock);
  const [[{ answer, truth }]] = wide.test.questions;
  assert.equal(answer.length, narrow.longestAnswer);
  assert.equal(truth, "a long answer that none has seen");
});

Deno.test("words of the test split do not enter the vocabulary", () => {
  const train: Asked[] = [[["a", "b"]]];
  const { tokenizer } = prepareQuestions(dataset(train), SHAPE, 99);
  const other = prepareQuestions(
    dataset(train, [[["word", "b"]]], [[["another", "b"]]]),
    SHAPE,
    99,
  );
  assert.deepEqual(other.tokenizer.tokens, tokenizer.tokens);
});

Deno.test("a question longer than the context is refused by name, in whichever split it stands", () => {
  const short: Asked[] = [[["a", "b"]]];
  const long: Asked[] = [[["a", "b"], ["a a a", "b"]]];
  // Three words, the begin mark, and one of the two answer tokens.
  for (const splits of [[long, short, short], [short, long, short], [short, short, long]]) {
    const name = ["train", "validation", "test"][splits.indexOf(long)];
    const [train, validation, test] = splits;
    assert.ok(prepareQuestions(dataset(train, validation, test), SHAPE, 5));
    assert.throws(
      () => prepareQuestions(dataset(train, validation, test), SHAPE, 4),
      new RegExp(
        `^RangeError: Cannot fit question "${name}/0/1": it takes 5 tokens with its answer, the context leaves 4; raise training.context$`,
      ),
    );
  }
});

Deno.test("as many questions as a large data set has are taken", () => {
  const asked: Asked = Array.from({ length: 200_000 }, (_, i) => ["a", `${i % 10}`]);
  assert.equal(prepareQuestions(dataset([asked]), SHAPE, 99).longestAnswer, 2);
});

Deno.test("features are added split by split", () => {
  const questions = prepareQuestions(
    dataset([[["a", "b"]]], [[["a", "b"]]], [[["a", "b"]]]),
    SHAPE,
    99,
  );
  const features = (value: number): Features => ({
    ...SHAPE,
    data: new Float32Array(6).fill(value),
    index: new Map(),
  });
  const data = withFeatures(questions, {
    train: features(1),
    validation: features(2),
    test: features(3),
  });
  assert.deepEqual([data.train, data.validation, data.test].map(({ features }) => features[0]), [
    1,
    2,
    3,
  ]);
  assert.deepEqual(data.train.questions, questions.train.questions);
  assert.equal(questions.train.features.length, 0);
});

Deno.test("the constant image is the mean over training images and stands in every place", () => {
  const questions = [[], [], []];
  const split = { features: Float32Array.of(1, 2, 3, 4, 5, 9), questions };
  const mean = meanImage(split);
  assert.deepEqual([...mean], [3, 5]);
  const constant = withConstantImage(split, mean);
  assert.deepEqual([...constant.features], [3, 5, 3, 5, 3, 5]);
  assert.equal(constant.questions, questions);
  assert.deepEqual([...split.features], [1, 2, 3, 4, 5, 9]);
});
