import assert from "node:assert/strict";
import type { Dataset, Example } from "../data/dataset.ts";
import type { Features } from "../encoders/features.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import {
  freshLanguage,
  type Language,
  type PreparedData,
  prepareQuestions,
  type TextTokenizer,
  withFeatures,
} from "./prepared_data.ts";

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

/** Questions for a decoder from random weights. */
const prepare = (dataset: Dataset, context = 99): PreparedData =>
  prepareQuestions(dataset, SHAPE, context, freshLanguage(tinyStudy().llm.shape!));

Deno.test("a prompt ends with the begin mark and an answer with the end mark", () => {
  const { tokenizer, train } = prepare(dataset([[["what shape?", "circle"]]]));
  const [[{ prompt, answer, truth, id }]] = train.questions;
  assert.equal(prompt.at(-1), tokenizer.bos);
  assert.equal(tokenizer.decode(prompt.slice(0, -1)), "what shape?");
  assert.equal(answer.at(-1), tokenizer.eos);
  assert.equal(tokenizer.decode(answer.slice(0, -1)), "circle");
  assert.deepEqual([truth, id], ["circle", "train/0/0"]);
});

Deno.test("a block holds the longest question of any split with the longest training answer", () => {
  const data = prepare(
    dataset([[["a b", "c d e"], ["a", "c"]]], [[["a a a a", "c"]]], [[["a b a", "c"]]]),
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
  const narrow = prepare(dataset(train, [], [[["a", "b"]]]));
  const wide = prepare(
    dataset(train, [], [[["a", "a long answer that none has seen"]]]),
  );
  assert.equal(wide.longestAnswer, narrow.longestAnswer);
  assert.equal(wide.longestBlock, narrow.longestBlock);
  const [[{ answer, truth }]] = wide.test.questions;
  assert.equal(answer.length, narrow.longestAnswer);
  assert.equal(truth, "a long answer that none has seen");
});

Deno.test("words of the test split do not enter the vocabulary", () => {
  const train: Asked[] = [[["a", "b"]]];
  const wordsOf = ({ tokenizer }: PreparedData) =>
    Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.decode([id]));
  const prepared = prepare(dataset(train));
  const other = prepare(
    dataset(train, [[["word", "b"]]], [[["another", "b"]]]),
  );
  assert.deepEqual(wordsOf(other), wordsOf(prepared));
});

Deno.test("a question longer than the context is refused by name, in whichever split it stands", () => {
  const short: Asked[] = [[["a", "b"]]];
  const long: Asked[] = [[["a", "b"], ["a a a", "b"]]];
  // Three words, the begin mark, and one of the two answer tokens.
  for (const splits of [[long, short, short], [short, long, short], [short, short, long]]) {
    const name = ["train", "validation", "test"][splits.indexOf(long)];
    const [train, validation, test] = splits;
    assert.ok(prepare(dataset(train, validation, test), 5));
    assert.throws(
      () => prepare(dataset(train, validation, test), 4),
      new RegExp(
        `^RangeError: Cannot fit question "${name}/0/1": it takes 5 tokens with its answer, the context leaves 4; raise training.context$`,
      ),
    );
  }
});

/** A language model from elsewhere that knows a few words, each a token. */
function foreign(words: string[]): Language & { tokenizer: TextTokenizer } {
  const { decoder } = freshLanguage(tinyStudy().llm.shape!);
  return {
    prompt: { lead: "image", question: "Q: {question} A:" },
    decoder: () => decoder(100),
    tokenizer: {
      vocabularySize: 100,
      pad: 90,
      bos: 91,
      eos: 92,
      encode: (text) =>
        text.split(" ").filter((word) => word !== "").map((word) => words.indexOf(word)),
      decode: (ids) => [...ids].map((id) => words[id]).join(" "),
    },
  };
}

Deno.test("a language from elsewhere brings its tokens, its decoder and its prompt", () => {
  const words = ["image", "Q:", "A:", "what", "is", "it", "$&", "a", "circle", "square"];
  const language = foreign(words);
  const data = prepareQuestions(
    dataset([[["what is it", "a circle"]]], [], [[["is it $&", "a circle a square"]]]),
    SHAPE,
    99,
    language,
  );
  assert.equal(data.tokenizer, language.tokenizer);
  assert.equal(data.decoder.config.vocab_size, 100);
  // Every sequence begins with the begin mark and the lead.
  assert.deepEqual(data.lead, [91, 0]);
  const [[train]] = data.train.questions;
  // The template stands around the question, and no begin mark behind it.
  assert.deepEqual(train.prompt, [1, 3, 4, 5, 2]);
  assert.deepEqual(train.answer, [7, 8, 92]);
  const [[test]] = data.test.questions;
  // What looks like a pattern of replacement is text.
  assert.deepEqual(test.prompt, [1, 4, 5, 6, 2]);
  assert.deepEqual(test.answer, [7, 8, 7]);
  assert.equal(test.truth, "a circle a square");
  assert.equal(data.longestBlock, 5 + 3 - 1);
});

Deno.test("a prompt without a lead begins with the begin mark alone", () => {
  const language = { ...foreign(["a", "b"]), prompt: { lead: "", question: "{question}" } };
  const { lead, train } = prepareQuestions(dataset([[["a", "b"]]]), SHAPE, 99, language);
  assert.deepEqual(lead, [91]);
  assert.deepEqual(train.questions[0][0].prompt, [0]);
});

Deno.test("a fresh language has no lead", () => {
  assert.deepEqual(prepare(dataset([[["a", "b"]]])).lead, []);
});

Deno.test("where the validation set is trained on too, its words and its longest answer count", () => {
  const data = dataset([[["a", "b"]]], [[["word", "b c d"]]]);
  const language = freshLanguage(tinyStudy().llm.shape!);
  const narrow = prepareQuestions(data, SHAPE, 99, language);
  const wide = prepareQuestions(data, SHAPE, 99, language, ["train", "validation"]);
  assert.deepEqual([narrow.longestAnswer, wide.longestAnswer], [2, 4]);
  const [[question]] = wide.validation.questions;
  assert.equal(question.prompt.length, 2, "one token and the begin mark");
  assert.equal(wide.tokenizer.decode(question.answer), "b c d");
  assert.equal(question.answer.at(-1), wide.tokenizer.eos);
});

Deno.test("as many questions as a large data set has are taken", () => {
  const asked: Asked = Array.from({ length: 200_000 }, (_, i) => ["a", `${i % 10}`]);
  assert.equal(prepare(dataset([asked])).longestAnswer, 2);
});

Deno.test("features are added split by split", () => {
  const questions = prepare(
    dataset([[["a", "b"]]], [[["a", "b"]]], [[["a", "b"]]]),
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
