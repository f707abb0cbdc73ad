/** Towers that know, and towers that guess. */
import assert from "node:assert/strict";
import type { Image } from "../data/dataset.ts";
import { stream } from "../data/random.ts";
import { evaluateTowers, type Towers } from "./evaluate_towers.ts";

const TESTS = { retrieval: 64, siblingGroups: 16, zeroShot: 1, probe: 40 };

/** Towers that draw their features by chance, but for pictures and texts that were given as pairs. */
function towers(feature: (of: Image | string, index: number) => number[]): Towers {
  const rows = (features: number[][]) => ({
    rows: features.length,
    columns: features[0].length,
    data: Float32Array.from(features.flat()),
  });
  return {
    side: 75,
    patches: 5,
    images: (images) => Promise.resolve(rows(images.map(feature))),
    texts: (captions) => Promise.resolve(rows(captions.map(feature))),
    states: (images) =>
      Promise.resolve([0, 1].map((layer) =>
        rows(
          images.flatMap((image) =>
            // Behind a class token nothing, and in the next layer the colour of each patch's middle.
            Array.from({ length: 26 }, (_, token) =>
              Array.from(
                { length: 3 },
                (_, c) =>
                  token === 0 ? 0 : layer * image.data[3 * patchMiddle(token - 1) + c] / 255,
              ))
          ),
        )
      )),
  };
}

const patchMiddle = (patch: number) => (Math.floor(patch / 5) * 15 + 7) * 75 + (patch % 5) * 15 + 7;

Deno.test("towers that give a picture and its caption the same features are right everywhere", async () => {
  // Pictures and captions of a test come in the same order; classes of the zero-shot test do not.
  const figures = await evaluateTowers(
    towers((_, i) => [Math.cos(i / 99), Math.sin(i / 99)]),
    1,
    TESTS,
  );
  const all = { at1: 1, at5: 1 };
  assert.deepEqual(figures.retrieval, { pictures: 64, imageToText: all, textToImage: all });
  for (const each of Object.values(figures.siblings)) {
    assert.deepEqual(each, { groups: 16, imageToText: 1, textToImage: 1 });
  }
  assert.deepEqual(figures.zeroShot, { pictures: 84, classes: 84, both: 1, shape: 1, color: 1 });
  assert.equal(figures.probe.length, 2);
  for (const { fitted, tested } of figures.probe) assert.deepEqual([fitted, tested], [180, 60]);
  assert.ok(
    figures.probe[1].color > figures.probe[0].color + 0.1,
    "each layer is probed by itself",
  );
});

Deno.test("towers that guess are right by chance", async () => {
  const random = stream(1, "features");
  const guess = towers(() => {
    const angle = 2 * Math.PI * random.uniform();
    return [Math.cos(angle), Math.sin(angle)];
  });
  const { retrieval, siblings, zeroShot } = await evaluateTowers(guess, 1, TESTS);
  assert.ok(retrieval.imageToText.at5 < 0.3);
  const mean = Object.values(siblings).reduce((sum, one) => sum + one.imageToText / 4, 0);
  assert.ok(mean > 0.1 && mean < 0.4, `${mean}`);
  assert.ok(zeroShot.both < 0.1);
  assert.ok(zeroShot.color < 0.3);
});
