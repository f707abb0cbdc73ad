import assert from "node:assert/strict";
import { loadDataset } from "../data/datasets.ts";
import { stream } from "../data/random.ts";
import { describeScene, sceneBags } from "./description.ts";
import { askScene } from "./questions.ts";
import { drawScene } from "./scene.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const tokenizer = pretrainingTokenizer();

/** Words that have no token: a byte of a word has one, and the word has not. */
const unknownWords = (texts: Iterable<string>) =>
  new Set(
    [...texts].flatMap((text) =>
      tokenizer.encode(text).some((id) => /^<0x/.test(tokenizer.tokens[id])) ? [text] : []
    ),
  );

Deno.test("every word of descriptions, phrase tokens, questions and answers is a token", () => {
  const random = stream(1, "tokenizer test");
  const texts = new Set<string>();
  for (let i = 0; i < 1500; i++) {
    const scene = drawScene(random, 1 + random.int(8));
    texts.add(describeScene(scene, random));
    const { text, answer } = askScene(scene, random);
    texts.add(text).add(answer);
    for (const bag of sceneBags(scene, random, { patches: 0.5, ground: 0.5, once: 0.5 })) {
      for (const word of bag.keys()) {
        texts.add(word);
        assert.equal(tokenizer.encode(word).length, 1, word);
      }
    }
  }
  assert.ok(texts.size > 2000);
  assert.deepEqual(unknownWords(texts), new Set());
});

for (
  const [name, images, least] of [["sort-of-clevr", 300, 40], ["easy-shapes", 400, 90]] as const
) {
  Deno.test(`every question and answer of ${name} is made of tokens`, async () => {
    const dataset = await loadDataset(name, {
      ...{ seed: 3, trainImages: images, validationImages: 5, testImages: 5 },
    });
    const questions = [...dataset.train, ...dataset.test].flatMap(({ questions }) => questions);
    const texts = new Set(questions.flatMap(({ text, answer }) => [text, answer]));
    assert.ok(texts.size >= least, `${texts.size} texts`);
    assert.deepEqual(unknownWords(texts), new Set());
  });
}

Deno.test("other words are spelt in bytes, and come back", () => {
  const text = "a zebra at x3 y16";
  assert.deepEqual(unknownWords([text, "a red circle"]), new Set([text]));
  assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
});
