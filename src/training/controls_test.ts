import assert from "node:assert/strict";
import { RUN_ROLES } from "../records/record.ts";
import {
  controlOf,
  CONTROLS,
  meanImage,
  withConstantImage,
  withShuffledImages,
} from "./controls.ts";

Deno.test("every role but that of an arm is a control", () => {
  assert.deepEqual(Object.keys(CONTROLS).sort(), RUN_ROLES.slice(1).toSorted());
  assert.deepEqual(controlOf("arm"), {});
  assert.equal(controlOf("random-llm").randomLlm, true);
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

Deno.test("shuffled images are those of others, and each is there once", () => {
  const split = {
    features: Float32Array.from({ length: 14 }, (_, i) => i),
    questions: Array.from({ length: 7 }, () => []),
  };
  for (let seed = 1; seed <= 20; seed++) {
    const { features, questions } = withShuffledImages(split, seed, "test");
    assert.equal(questions, split.questions);
    const images = Array.from({ length: 7 }, (_, i) => [...features.subarray(2 * i, 2 * i + 2)]);
    images.forEach(([first, second], i) => {
      assert.notEqual(first, 2 * i);
      assert.equal(second, first + 1);
    });
    assert.equal(new Set(images.map(([first]) => first)).size, 7);
    assert.deepEqual(withShuffledImages(split, seed, "test").features, features);
  }
  const other = withShuffledImages(split, 1, "train").features;
  assert.notDeepEqual(other, withShuffledImages(split, 1, "test").features);
  const one = { features: Float32Array.of(1, 2), questions: [[]] };
  assert.deepEqual([...withShuffledImages(one, 1, "test").features], [1, 2]);
});
