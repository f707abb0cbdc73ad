import assert from "node:assert/strict";
import fc from "fast-check";
import { batchFeatures, epochSteps, evaluationBatches, trainingBatches } from "./batches.ts";
import type { PreparedSplit } from "./prepared_data.ts";

/** Images with so many questions each; a question's prompt is its image and its place. */
function split(counts: number[], size = 2): PreparedSplit {
  return {
    features: Float32Array.from({ length: counts.length * size }, (_, i) => i),
    questions: counts.map((count, image) =>
      Array.from({ length: count }, (_, q) => ({
        id: `${image}/${q}`,
        text: "",
        image: "",
        truth: "",
        type: "any",
        prompt: [image, q],
        answer: [0],
      }))
    ),
  };
}

const take = (
  data: PreparedSplit,
  batch: number,
  questions: number,
  seed: number,
  steps: number,
) => {
  const batches = trainingBatches(data, batch, questions, seed);
  return Array.from({ length: steps }, () => batches.next().value);
};

const counts = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 12 }).filter((list) =>
  list.some((count) => count > 0)
);
const positive = (max: number) => fc.integer({ min: 1, max });

Deno.test("an epoch has every image with questions once", () => {
  fc.assert(
    fc.property(counts, positive(6), positive(4), fc.nat(), (list, batch, questions, seed) => {
      const images = list.flatMap((count, image) => count > 0 ? [image] : []);
      const epochs = 3;
      const steps = Math.ceil(epochs * images.length / batch);
      const order = take(split(list), batch, questions, seed, steps).flat().map(({ image }) =>
        image
      );
      for (let epoch = 0; epoch < epochs; epoch++) {
        const seen = order.slice(epoch * images.length, (epoch + 1) * images.length);
        assert.deepEqual(seen.toSorted((a, b) => a - b), images);
      }
    }),
  );
});

Deno.test("an image is asked distinct questions of its own, as many as fit", () => {
  fc.assert(
    fc.property(counts, positive(6), positive(4), fc.nat(), (list, batch, questions, seed) => {
      const data = split(list);
      for (const { image, questions: asked } of take(data, batch, questions, seed, 5).flat()) {
        assert.equal(asked.length, Math.min(questions, list[image]));
        assert.equal(new Set(asked).size, asked.length);
        assert.ok(asked.every(({ prompt }) => prompt[0] === image));
      }
    }),
  );
});

Deno.test("every question of an image comes up in time", () => {
  const asked = new Set(
    take(split([9]), 1, 2, 1, 60).flat().flatMap(({ questions }) =>
      questions.map(({ prompt }) => prompt[1])
    ),
  );
  assert.equal(asked.size, 9);
});

Deno.test("the order depends on the seed and on nothing else", () => {
  const list = [3, 1, 4, 1, 5, 2, 6];
  const first = take(split(list), 3, 2, 7, 20);
  assert.deepEqual(take(split(list, 5), 3, 2, 7, 20), first);
  assert.notDeepEqual(take(split(list), 3, 2, 8, 20), first);
});

Deno.test("each epoch has an order of its own", () => {
  const epochs = take(split(Array(20).fill(1)), 20, 1, 1, 2).map((batch) =>
    batch.map(({ image }) => image)
  );
  assert.notDeepEqual(epochs[0], epochs[1]);
});

Deno.test("evaluation asks every question exactly once, in order, and says where it stands", () => {
  fc.assert(fc.property(counts, positive(6), positive(4), (list, batch, questions) => {
    const data = split(list);
    const batches = evaluationBatches(data, batch, questions);
    const asked: number[][] = [];
    for (const { entries, places } of batches) {
      assert.ok(entries.length >= 1 && entries.length <= batch);
      assert.equal(places.length, entries.length);
      entries.forEach(({ image, questions: chunk }, e) => {
        assert.ok(chunk.length >= 1 && chunk.length <= questions);
        assert.deepEqual(places[e], chunk.map(({ prompt }) => prompt));
        assert.ok(chunk.every(({ prompt }) => prompt[0] === image));
        asked.push(...places[e]);
      });
    }
    assert.deepEqual(asked, data.questions.flat().map(({ prompt }) => prompt));
    assert.ok(
      batches.slice(0, -1).every(({ entries }) => entries.length === batch),
      "only the last batch may be smaller",
    );
  }));
});

Deno.test("evaluation of the first images asks theirs and no other", () => {
  const batches = evaluationBatches(split([2, 0, 3, 4]), 2, 2, 3);
  assert.deepEqual(batches.flatMap(({ places }) => places.flat()), [
    [0, 0],
    [0, 1],
    [2, 0],
    [2, 1],
    [2, 2],
  ]);
  assert.deepEqual(evaluationBatches(split([2, 0, 3, 4]), 2, 2, 0), []);
});

Deno.test("a batch's features are its images', and zero where it has none", () => {
  const data = split([1, 1, 1]);
  const entries = [{ image: 2, questions: [] }, { image: 0, questions: [] }];
  assert.deepEqual([...batchFeatures(data, entries, 3)], [4, 5, 0, 1, 0, 0]);
});

Deno.test("epochs take as many steps as see every image that is asked about so often, and one at least", () => {
  const steps = (epochs: number, batch: number) =>
    epochSteps(split([2, 0, 3, 1]), { epochs, batch });
  assert.deepEqual([steps(1, 3), steps(1, 2), steps(2, 2), steps(1.5, 4)], [1, 2, 3, 2]);
  assert.deepEqual([steps(0.1, 4), steps(1, 100)], [1, 1]);
});
