/** Siblings differ in what they are said to differ in, and a caption fits its own scene alone. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { captionLength, LONGEST_CAPTION, NAMES } from "./captions.ts";
import { apart, type Scene, type SceneObject } from "./scene.ts";
import { drawSiblings, SIBLING_ATTRIBUTES } from "./siblings.ts";

/** Fields of an object that may differ, by attribute. */
const FIELDS: Record<string, (keyof SceneObject)[]> = {
  shape: ["shape", "aspect"],
  color: ["color"],
  place: ["x", "y"],
  size: ["radius"],
};

/** Whether every sentence of the caption names an object of the scene. */
function holds(caption: string, scene: Scene): boolean {
  const names = new Set(
    scene.flatMap((object) => Object.values(NAMES).map((name) => name(object))),
  );
  return caption.split(".").slice(0, -1).every((sentence) => names.has(sentence.trim()));
}

for (const attribute of SIBLING_ATTRIBUTES) {
  Deno.test(`siblings by ${attribute} differ in it alone, each with a caption of its own`, () => {
    const random = stream(1, attribute);
    for (let i = 0; i < 60; i++) {
      const { scenes, captions } = drawSiblings(random, attribute);
      assert.equal(scenes.length, 4);
      assert.equal(new Set(captions).size, 4);
      for (const [s, scene] of scenes.entries()) {
        assert.equal(scene.length, scenes[0].length);
        const changed = new Set(
          scene.flatMap((object, at) =>
            (Object.keys(object) as (keyof SceneObject)[])
              .filter((field) => object[field] !== scenes[0][at][field])
          ),
        );
        assert.ok([...changed].every((field) => FIELDS[attribute].includes(field)));
        for (const [at, object] of scene.entries()) {
          assert.ok(scene.every((other, o) => o === at || apart(object, other)), "objects touch");
        }
        for (const [c, caption] of captions.entries()) {
          assert.equal(holds(caption, scene), c === s, `"${caption}" and ${JSON.stringify(scene)}`);
          assert.ok(captionLength(caption) <= LONGEST_CAPTION);
        }
      }
    }
  });
}

Deno.test("the same stream gives the same siblings", () => {
  const draw = () => drawSiblings(stream(4, "siblings"), "place");
  assert.deepEqual(draw(), draw());
});
