import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { type Bag, describeScene, GRID, GROUND, phrase, sceneBags } from "./description.ts";
import { COLOR_NAMES, drawScene, type Scene, type SceneObject, SHAPES } from "./scene.ts";

const SCENES = Array.from(
  { length: 150 },
  (_, i) => drawScene(stream(2, `description/${i}`), 1 + i % 8),
);
const TOKENS = 1 + GRID ** 2;

Deno.test("a description names each object once, sizes of all or of none", () => {
  const random = stream(1, "descriptions");
  const said = { sizes: 0, openings: 0, orders: 0 };
  for (const scene of SCENES) {
    const text = describeScene(scene, random);
    const opened = text.startsWith("there is ");
    const phrases = text.split(/\. ?/).slice(0, -1)
      .map((part) => opened ? part.replace(/^there is /, "") : part);
    const sized = /\b(small|medium|large)\b/.test(text);
    assert.deepEqual(phrases.toSorted(), scene.map((object) => phrase(object, sized)).sort());
    said.sizes += Number(sized);
    said.openings += Number(opened);
    said.orders += Number(phrases.join() !== scene.map((object) => phrase(object, sized)).join());
  }
  for (const times of Object.values(said)) {
    assert.ok(times > 0.3 * SCENES.length && times < 0.95 * SCENES.length, JSON.stringify(said));
  }
});

Deno.test("a phrase says size, colour, shape and place", () => {
  const object: SceneObject = {
    ...{ shape: "ring", color: "orange", x: 0.41, y: 1, radius: 0.08, aspect: 1 },
  };
  assert.equal(phrase(object, true), "a small orange ring at x6 y15");
  assert.equal(phrase(object, false), "an orange ring at x6 y15");
});

/** The object that a token is about, found by its place alone; null for the ground. */
function objectOf(scene: Scene, bag: Bag): SceneObject | null {
  if (bag.has(GROUND)) {
    assert.equal(bag.size, 1);
    return null;
  }
  const at = (axis: "x" | "y") => {
    const steps = [...bag].filter(([word]) => new RegExp(`^${axis}\\d+$`).test(word))
      .map(([word, weight]) => [Number(word.slice(1)), weight]);
    assert.deepEqual(steps.map(([step]) => step - steps[0][0]), [0, 1]);
    const strength = steps[0][1] + steps[1][1];
    assertWeight(strength);
    return (steps[0][0] * steps[0][1] + steps[1][0] * steps[1][1]) / strength / 15;
  };
  const [x, y] = [at("x"), at("y")];
  const found = scene.filter((object) => Math.hypot(object.x - x, object.y - y) < 1e-9);
  assert.equal(found.length, 1, "a token lies where an object lies");
  return found[0];
}

function assertWeight(weight: number): void {
  assert.ok(weight >= 2 / 3 - 1e-12 && weight <= 4 / 3 + 1e-12, `${weight}`);
}

/** Words of a token but for its place. */
const wordsOf = (bag: Bag) => [...bag].filter(([word]) => !/^[xy]\d+$/.test(word));

for (const [what, patches] of [["in any order", 0], ["as patches", 1]] as const) {
  Deno.test(`tokens ${what} say nothing but what their object is, some of it missing`, () => {
    let said = 0, missing = 0;
    for (const [i, scene] of SCENES.entries()) {
      const bags = sceneBags(scene, stream(1, `bags/${i}`), { patches, ground: 0.9 });
      assert.equal(bags.length, TOKENS);
      const objects = bags.map((bag) => objectOf(scene, bag));
      bags.forEach((bag, slot) => {
        const object = objects[slot];
        for (const [, weight] of wordsOf(bag)) assertWeight(weight);
        if (!object) return;
        const size = object.radius < 0.09 ? "small" : object.radius < 0.15 ? "medium" : "large";
        const all = [object.color, object.shape, size];
        const words = wordsOf(bag).map(([word]) => word);
        assert.ok(words.every((word) => (all as string[]).includes(word)), `${words} of ${all}`);
        // What is missing must be said by another token.
        if (objects.filter((other) => other === object).length === 1) {
          assert.deepEqual(words.toSorted(), all.toSorted());
        } else {
          said += words.length;
          missing += all.length - words.length;
        }
      });
    }
    const share = missing / (said + missing);
    assert.ok(share > 0.12 && share < 0.18, `${share}`);
  });
}

Deno.test("in any order every object has a token, and the ground as many as allowed", () => {
  const shareOf = (ground: number) => {
    let bare = 0, free = 0;
    for (const [i, scene] of SCENES.entries()) {
      const bags = sceneBags(scene, stream(3, `bags/${i}`), { patches: 0, ground });
      const objects = bags.map((bag) => objectOf(scene, bag));
      for (const object of scene) assert.ok(objects.includes(object));
      bare += objects.filter((object) => object === null).length;
      free += TOKENS - scene.length;
    }
    return bare / free;
  };
  assert.equal(shareOf(0), 0);
  // The largest share is drawn for each scene, so half of it comes out.
  const whole = shareOf(1);
  assert.ok(whole > 0.4 && whole < 0.6, `${whole}`);
});

Deno.test("patches show the object with the nearest middle that reaches into them, or the ground", () => {
  let hidden = 0, objects = 0;
  for (const [i, scene] of SCENES.entries()) {
    const bags = sceneBags(scene, stream(4, `bags/${i}`), { patches: 1, ground: 0 });
    assert.equal(objectOf(scene, bags[0]), null, "the class token");
    const seen = bags.slice(1).map((bag, patch) => {
      const [left, top] = [patch % GRID / GRID, Math.floor(patch / GRID) / GRID];
      const object = objectOf(scene, bag);
      const reaching = scene.filter(({ x, y, radius, aspect }) =>
        x + radius > left && x - radius < left + 1 / GRID &&
        y + radius * aspect > top && y - radius * aspect < top + 1 / GRID
      );
      const far = ({ x, y }: SceneObject) => Math.hypot(x - left - 0.1, y - top - 0.1);
      if (reaching.length === 0) assert.equal(object, null);
      else assert.equal(object, reaching.reduce((a, b) => far(b) < far(a) ? b : a));
      return object;
    });
    objects += scene.length;
    hidden += scene.filter((object) => !seen.includes(object)).length;
  }
  // Small objects between others may lose all of their patches, but hardly ever do.
  assert.ok(hidden / objects < 0.02, `${hidden} of ${objects}`);
});

Deno.test("the ground is no colour and no shape", () => {
  assert.ok(![...COLOR_NAMES, ...SHAPES].includes(GROUND as never));
});
