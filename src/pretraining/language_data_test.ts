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
  testText,
} from "./language_data.ts";
import type { LanguageLayout } from "./language_step.ts";
import { TESTED } from "./pretrain_language.ts";
import { DRAWN_TYPES, LOOK_UPS, SCENE_QUESTIONS } from "./questions.ts";
import { drawScene } from "./scene.ts";
import { packTexts } from "./text_packing.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const tokenizer = pretrainingTokenizer();
const COMMON = {
  ...{ block: LONGEST_QUESTION, answers: LONGEST_ANSWER },
  ...{ vocabulary: tokenizer.vocabularySize, pad: tokenizer.pad },
};
const LAYOUT: LanguageLayout = {
  texts: { batch: 3, prefix: 72, blocks: 5, ...COMMON },
  scenes: { batch: 2, lead: [tokenizer.bos], prefix: 2 + GRID ** 2, blocks: 4, ...COMMON },
};
const LATE = 1_000_000;
const batchOf = (step: number, seed = 1) => languageBatch(LAYOUT, tokenizer, seed, step);

Deno.test("the curriculum begins with look-ups in scenes of two without ground, and only widens", () => {
  assert.deepEqual(curriculum(0), {
    objects: 2,
    order: { patches: 0, ground: 0, once: 0 },
    types: LOOK_UPS,
    prompts: 0,
  });
  assert.deepEqual(curriculum(LATE), FULL);
  assert.deepEqual(FULL, {
    objects: 6,
    order: { patches: 0.5, ground: 1, once: 0.5 },
    types: DRAWN_TYPES,
    prompts: 0.5,
  });
  let before = curriculum(0);
  for (let step = 0; step < 10_000; step += 100) {
    const now = curriculum(step);
    assert.ok(now.objects >= before.objects && now.objects - before.objects <= 1);
    assert.ok(now.order.ground >= before.order.ground && now.order.ground <= 1);
    assert.ok(now.order.patches >= before.order.patches);
    assert.ok(now.order.once >= before.order.once && now.order.once <= 0.5);
    assert.ok(now.types.length >= before.types.length);
    assert.ok(now.prompts >= before.prompts);
    before = now;
  }
});

Deno.test("a batch is the same for the same seed and step, and another for others", () => {
  assert.deepEqual(batchOf(5), batchOf(5));
  assert.notDeepEqual(batchOf(5), batchOf(6));
  assert.notDeepEqual(batchOf(5), batchOf(5, 2));
});

/** Phrases of a text, without what its wording adds. */
function phrasesOf(text: string): string[] {
  return text.split(/(?<=\.) /)
    .map((phrase) => phrase.replace(/^(there is )?an? ((small|medium|large) )?/, ""));
}

Deno.test("a text fills its prefix: all objects again and again, or once behind padding", () => {
  const kinds = { told: 0, untold: 0, again: 0, once: 0 };
  const steps = [0, 1, 2, 3, 2559, ...Array.from({ length: 12 }, (_, i) => LATE + i)];
  for (const step of steps) {
    const { texts } = batchOf(step);
    packTexts(texts, LAYOUT.texts);
    assert.equal(texts.length, LAYOUT.texts.batch);
    for (const { tokens, predicted, questions } of texts) {
      assert.equal(tokens.length, LAYOUT.texts.prefix);
      assert.equal(predicted.length, tokens.length);
      assert.equal(questions.length, LAYOUT.texts.blocks);
      const first = tokens.indexOf(tokenizer.bos);
      assert.ok(tokens.slice(0, first).every((token) => token === tokenizer.pad));
      assert.ok(predicted.slice(0, first + 1).every((isPredicted) => !isPredicted));
      const phrases = phrasesOf(tokenizer.decode(tokens.slice(first)));
      for (const phrase of phrases) assert.match(phrase, /^\w+ \w+ at x\d+ y\d+\.$/);
      const objects = new Set(phrases);
      assert.deepEqual(new Set(phrases.slice(0, objects.size)), objects, "all are said first");
      assert.ok(first === 0 || phrases.length === objects.size, "once behind padding");
      if (step < 2560) assert.equal(first, 0);
      kinds[phrases.length === objects.size ? "once" : "again"]++;
      const told = predicted[first + 1];
      kinds[told ? "told" : "untold"]++;
      const period = tokenizer.encode("a.").at(-1);
      let said = 0;
      tokens.forEach((token, t) => {
        if (t > first) assert.equal(predicted[t], told || said >= objects.size, `token ${t}`);
        if (token === period) said++;
      });
    }
  }
  assert.ok(kinds.told > 0 && kinds.untold > kinds.told, JSON.stringify(kinds));
  assert.ok(kinds.once > 5 && kinds.again > 15, JSON.stringify(kinds));
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

Deno.test("questions of every type fit a block, and behind a description what is tested", () => {
  const random = stream(1, "language data test");
  let longest = { block: 0, answer: 0, text: 0 };
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
      const { tokens, predicted } = testText(scene, { ...question, type }, tokenizer, random);
      assert.deepEqual(tokens.slice(-answer.length), answer);
      assert.deepEqual(
        predicted,
        tokens.map((_, t) => t >= tokens.length - answer.length),
      );
      longest = {
        block: Math.max(longest.block, prompt.length + answer.length - 1),
        answer: Math.max(longest.answer, answer.length),
        text: Math.max(longest.text, tokens.length),
      };
    }
  }
  assert.ok(longest.block <= LONGEST_QUESTION, `${longest.block}`);
  assert.equal(longest.answer, LONGEST_ANSWER);
  assert.ok(longest.text <= TESTED.texts.length, `${longest.text}`);
});
