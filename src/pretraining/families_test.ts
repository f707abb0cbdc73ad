/** Families: one scene but for one attribute, told of every object. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { captionLength, LONGEST_CAPTION, NAMES } from "./captions.ts";
import { drawFamily, FAMILIES, type FamilyAttribute, SMALLEST_FAMILY } from "./families.ts";
import { fits, MOST_OBJECTS, type Scene, type SceneObject } from "./scene.ts";

/** What an object has in common with the same one of other members. */
const SHARED: Record<FamilyAttribute, (object: SceneObject) => unknown> = {
  shape: ({ color, x, y, radius }) => [color, x, y, radius],
  "size and shape": ({ color, x, y }) => [color, x, y],
  place: ({ color, shape, radius, aspect }) => [color, shape, radius, aspect],
  color: ({ shape, x, y, radius, aspect }) => [shape, x, y, radius, aspect],
};

for (const attribute of Object.keys(FAMILIES) as FamilyAttribute[]) {
  Deno.test(`a family by ${attribute} differs in it alone, and captions tell it of every object`, () => {
    for (let objects = SMALLEST_FAMILY; objects <= MOST_OBJECTS; objects++) {
      const random = stream(objects, `family/${attribute}`);
      const draw = drawFamily(attribute, objects);
      const members = Array.from({ length: 64 }, () => draw(random));
      const captions = members.flatMap(({ captions }) => captions);
      assert.equal(new Set(captions).size, 64);
      const scenes = members.flatMap(({ scenes }) => scenes);
      assert.equal(scenes.length, 64);
      scenes.forEach((scene: Scene, i) => {
        assert.equal(scene.length, Math.min(objects, FAMILIES[attribute].most));
        assert.deepEqual(scene.map(SHARED[attribute]), scenes[0].map(SHARED[attribute]));
        assert.equal(new Set(scene.map(({ color }) => color)).size, scene.length);
        assert.ok(
          scene.every((object, o) => fits(object, scene.filter((_, other) => other !== o))),
        );
        const name = NAMES[FAMILIES[attribute].name];
        assert.equal(captions[i], scene.map((object) => `${name(object)}.`).join(" "));
        assert.ok(captionLength(captions[i]) <= LONGEST_CAPTION, captions[i]);
      });
    }
  });
}

Deno.test("the same stream gives the same family", () => {
  const members = () => {
    const [draw, random] = [drawFamily("shape", 4), stream(1, "family")];
    return Array.from({ length: 5 }, () => draw(random));
  };
  assert.deepEqual(members(), members());
});
