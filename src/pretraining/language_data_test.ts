import assert from "node:assert/strict";
import { packBatch } from "../data/packing.ts";
import { stream } from "../data/random.ts";
import { GRID } from "./description.ts";
import {
  curriculum,
  encodeQuestion,
  FULL,
  languageBatch,
  LONGEST_ANSWER,
  LONGEST_QUESTION,
  QUESTION_NAMES,
  testDocument,
} from "./language_data.ts";
import type { LanguageLayout } from "./language_step.ts";
import { DRAWN_TYPES, LOOK_UPS, SCENE_QUESTIONS } from "./questions.ts";
import { drawScene } from "./scene.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const tokenizer = pretrainingTokenizer();
const LAYOUT: LanguageLayout = {
  documents: { batch: 3, length: 128 },
  scenes: {
    ...{ batch: 2, lead: [tokenizer.bos], prefix: 2 + GRID ** 2, blocks: 4 },
    ...{ block: LONGEST_QUESTION, answers: LONGEST_ANSWER },
    ...{ vocabulary: tokenizer.vocabularySize, pad: tokenizer.pad },
  },
};
const LATE = 1_000_000;
const batchOf = (step: number, seed = 1) => languageBatch(LAYOUT, tokenizer, seed, step);

Deno.test("the curriculum begins with look-ups in scenes of two without ground, and only widens", () => {
  assert.deepEqual(curriculum(0), {
    objects: 2,
    order: { patches: 0, ground: 0 },
    types: LOOK_UPS,
  });
  assert.deepEqual(curriculum(LATE), FULL);
  assert.deepEqual(FULL, { objects: 6, order: { patches: 0.5, ground: 1 }, types: DRAWN_TYPES });
  let before = curriculum(0);
  for (let step = 0; step < 10_000; step += 100) {
    const now = curriculum(step);
    assert.ok(now.objects >= before.objects && now.objects - before.objects <= 1);
    assert.ok(now.order.ground >= before.order.ground && now.order.ground <= 1);
    assert.ok(now.order.patches >= before.order.patches);
    assert.ok(now.types.length >= before.types.length);
    before = now;
  }
});

Deno.test("a batch is the same for the same seed and step, and another for others", () => {
  assert.deepEqual(batchOf(5), batchOf(5));
  assert.notDeepEqual(batchOf(5), batchOf(6));
  assert.notDeepEqual(batchOf(5), batchOf(5, 2));
});

Deno.test("documents fit, begin with the begin mark, and every answer in them is predicted", () => {
  const described = { told: 0, untold: 0 };
  let answered = 0, documents = 0;
  for (const step of [0, 1, 2, 3, LATE, LATE + 1, LATE + 2, LATE + 3]) {
    for (const { tokens, predicted } of batchOf(step).documents) {
      assert.equal(tokens[0], tokenizer.bos);
      assert.ok(tokens.length <= LAYOUT.documents.length && tokens.length > 30);
      assert.equal(predicted.length, tokens.length);
      assert.ok(!predicted[0]);
      described[predicted[1] ? "told" : "untold"]++;
      // Each end mark closes an answer, and is predicted.
      const ends = [...tokens.keys()].filter((t) => tokens[t] === tokenizer.eos);
      for (const end of ends) assert.ok(predicted[end] && predicted[end - 1]);
      // Where two descriptions leave no room for a question, the second is predicted.
      assert.ok(predicted.at(-1));
      answered += ends.length;
      documents++;
    }
  }
  assert.ok(answered > 3 * documents, `${answered} answers in ${documents} documents`);
  assert.ok(described.told > 0 && described.untold > described.told, JSON.stringify(described));
});

Deno.test("a document is a description, the same in other words, and questions that it answers", () => {
  let doubled = 0;
  for (let step = 0; step < 12; step++) {
    for (const { tokens } of batchOf(step).documents) {
      const text = tokenizer.decode(tokens.slice(0, tokens.indexOf(tokenizer.eos)));
      const objects = (part: string) =>
        [...part.matchAll(/(\w+) (\w+) at x(\d+) y(\d+)\./g)].map(([, ...words]) =>
          words.join(" ")
        );
      const said = objects(text);
      assert.ok(said.length === 2 || said.length === 4 || said.length === 1, text);
      // Early scenes have at most two objects, so two descriptions always fit.
      const half = said.length / 2;
      assert.deepEqual(said.slice(0, half).sort(), said.slice(half).sort());
      doubled++;
    }
  }
  assert.equal(doubled, 36);
});

Deno.test("packed scenes fit their layout, and their words are words of the vocabulary", () => {
  for (const step of [0, 1, LATE, LATE + 1]) {
    const { scenes } = batchOf(step);
    assert.equal(scenes.length, LAYOUT.scenes.batch);
    packBatch(scenes.map(({ questions }, image) => ({ image, questions })), LAYOUT.scenes);
    for (const { bags, questions } of scenes) {
      assert.equal(bags.length, 1 + GRID ** 2);
      assert.equal(questions.length, LAYOUT.scenes.blocks);
      for (const bag of bags) {
        for (const [id, weight] of bag) {
          assert.match(tokenizer.tokens[id], /^ \w+$/);
          assert.ok(weight >= 0 && weight < 1.4);
        }
      }
    }
  }
});

Deno.test("questions of every type fit a block, and documents with them the training's", () => {
  const random = stream(1, "language data test");
  let longest = { block: 0, answer: 0, document: 0 };
  for (const type of QUESTION_NAMES) {
    for (let i = 0; i < 200;) {
      const scene = drawScene(random, 6);
      const question = SCENE_QUESTIONS[type](scene, random);
      if (!question) continue;
      i++;
      const { prompt, answer } = encodeQuestion(question, tokenizer);
      assert.equal(answer.at(-1), tokenizer.eos);
      assert.equal(tokenizer.decode(prompt), question.text);
      assert.equal(tokenizer.decode(answer), question.answer);
      const { tokens, predicted } = testDocument(scene, { ...question, type }, tokenizer, random);
      assert.deepEqual(tokens.slice(-answer.length), answer);
      assert.deepEqual(
        predicted,
        tokens.map((_, t) => t >= tokens.length - answer.length),
      );
      longest = {
        block: Math.max(longest.block, prompt.length + answer.length - 1),
        answer: Math.max(longest.answer, answer.length),
        document: Math.max(longest.document, tokens.length),
      };
    }
  }
  assert.ok(longest.block <= LONGEST_QUESTION, `${longest.block}`);
  assert.equal(longest.answer, LONGEST_ANSWER);
  assert.ok(longest.document <= LAYOUT.documents.length, `${longest.document}`);
});
