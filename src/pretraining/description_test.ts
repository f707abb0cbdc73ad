import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import {
  type Bag,
  describeScene,
  describeToLength,
  GRID,
  GROUND,
  phrase,
  sceneBags,
} from "./description.ts";
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

Deno.test("a description to length says all objects, then all again, in as many tokens as asked for", () => {
  const random = stream(1, "descriptions to length");
  const words = (text: string) => text.replace(".", " .").split(" ");
  const wordings = new Set<string>();
  for (const scene of SCENES) {
    for (const length of [21, 22, 71, 95]) {
      const texts: string[] = [];
      const phrases = describeToLength(scene, length, (text) => {
        texts.push(text);
        return words(text).map((_, i) => texts.length * 100 + i);
      }, random);
      assert.equal(phrases.flat().length, length);
      const said = phrases.map(([first]) => texts[Math.floor(first / 100) - 1]);
      said.forEach((text) => wordings.add(text.replace(/\w+ (\w+) at x\d+ y\d+/, "PHRASE")));
      // Each round says every object once.
      for (let round = 0; (round + 1) * scene.length <= said.length; round++) {
        const objects = said.slice(round * scene.length, (round + 1) * scene.length)
          .map((text) => text.replace(/^there is /, "").replace(/ (small|medium|large) /, " "));
        const bare = scene.map((object) => `${phrase(object, false)}.`);
        const article = (text: string) => text.replace(/^an? /, "");
        assert.deepEqual(objects.map(article).sort(), bare.map(article).sort());
      }
    }
  }
  // With and without a size, with and without an opening; an article fits the word behind it.
  assert.ok(wordings.size >= 4, `${[...wordings]}`);
  for (const length of [6, 11, 13]) {
    assert.throws(
      () => describeToLength(SCENES[0], length, words as never, random),
      (error: Error) =>
        error.message === `Cannot describe scene in ${length} tokens: no phrases have so many`,
    );
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
      const bags = sceneBags(scene, stream(1, `bags/${i}`), {
        ...{ patches, ground: 0.9, once: 0 },
      });
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
      const bags = sceneBags(scene, stream(3, `bags/${i}`), {
        ...{ patches: 0, ground, once: 0 },
      });
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
    const bags = sceneBags(scene, stream(4, `bags/${i}`), {
      ...{ patches: 1, ground: 0, once: 0 },
    });
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

Deno.test("in some scenes each object is shown once, in the patch nearest of its own", () => {
  const patchOf = (slot: number) => [(slot - 1) % GRID, Math.floor((slot - 1) / GRID)];
  for (const [i, scene] of SCENES.entries()) {
    const slotsOf = (order: { patches: number; once: number }) =>
      sceneBags(scene, stream(5, `bags/${i}`), { ground: 0.3, ...order })
        .map((bag) => objectOf(scene, bag));
    const scattered = slotsOf({ patches: 0, once: 1 }).filter((object) => object !== null);
    assert.equal(scattered.length, scene.length);
    assert.equal(new Set(scattered).size, scene.length);

    const all = slotsOf({ patches: 1, once: 0 }), kept = slotsOf({ patches: 1, once: 1 });
    for (const object of new Set(all)) {
      if (!object) continue;
      const far = (slot: number) => {
        const [column, row] = patchOf(slot);
        return Math.hypot(object.x - (column + 0.5) / GRID, object.y - (row + 0.5) / GRID);
      };
      const slots = [...all.keys()].filter((slot) => all[slot] === object);
      const nearest = slots.reduce((a, b) => far(b) < far(a) ? b : a);
      assert.deepEqual([...kept.keys()].filter((slot) => kept[slot] === object), [nearest]);
    }
  }
});

Deno.test("the ground is no colour and no shape", () => {
  assert.ok(![...COLOR_NAMES, ...SHAPES].includes(GROUND as never));
});
