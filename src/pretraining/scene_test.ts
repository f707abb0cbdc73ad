import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { drawScene, MOST_OBJECTS, type SceneObject, SHAPES, sizeOf } from "./scene.ts";

const SCENES = Array.from({ length: 400 }, (_, i) => ({
  asked: 1 + i % MOST_OBJECTS,
  scene: drawScene(stream(1, `scene/${i}`), 1 + i % MOST_OBJECTS),
}));

/** The box around an object: left, top, right, bottom. */
const boxOf = ({ x, y, radius, aspect }: SceneObject) => [
  x - radius,
  y - radius * aspect,
  x + radius,
  y + radius * aspect,
];

Deno.test("objects lie within the picture, and none reaches into another's box", () => {
  for (const { scene } of SCENES) {
    for (const [i, object] of scene.entries()) {
      const [left, top, right, bottom] = boxOf(object);
      assert.ok(left >= 0 && top >= 0 && right <= 1 && bottom <= 1, JSON.stringify(object));
      for (const other of scene.slice(0, i)) {
        const [a, b, c, d] = boxOf(other);
        assert.ok(
          right < a || c < left || bottom < b || d < top,
          `${JSON.stringify(object)} and ${JSON.stringify(other)}`,
        );
      }
    }
  }
});

Deno.test("a scene has the objects that are asked for, or as many as fit", () => {
  for (const { asked, scene } of SCENES) {
    assert.ok(scene.length >= 1 && scene.length <= asked);
    if (asked <= 2) assert.equal(scene.length, asked);
  }
  const full = SCENES.filter(({ asked, scene }) => scene.length === asked);
  assert.ok(full.length > 0.95 * SCENES.length, `${full.length}`);
});

Deno.test("colours are distinct in two scenes of three, and shapes come in numbers in one of three", () => {
  const many = SCENES.map(({ scene }) => scene).filter((scene) => scene.length >= 6);
  const share = (has: (scene: typeof many[number]) => boolean) =>
    many.filter(has).length / many.length;
  const distinct = share((scene) => new Set(scene.map(({ color }) => color)).size === scene.length);
  const few = share((scene) => new Set(scene.map(({ shape }) => shape)).size <= 2);
  // By chance a few more; four standard deviations of 150 scenes are 0.15.
  assert.ok(distinct > 0.5 && distinct < 0.85, `${distinct}`);
  assert.ok(few > 0.18 && few < 0.5, `${few}`);
  assert.deepEqual(
    [...new Set(many.flat().map(({ shape }) => shape))].sort(),
    [...SHAPES].sort(),
  );
});

Deno.test("a rectangle is clearly no square, and all else is as high as wide", () => {
  const objects = SCENES.flatMap(({ scene }) => scene);
  for (const { shape, aspect } of objects) {
    if (shape === "rectangle") assert.ok(Math.max(aspect, 1 / aspect) > 1.4, `${aspect}`);
    else assert.equal(aspect, 1);
  }
  const rectangles = objects.filter(({ shape }) => shape === "rectangle");
  assert.ok(rectangles.some(({ aspect }) => aspect > 1));
  assert.ok(rectangles.some(({ aspect }) => aspect < 1));
});

Deno.test("size words follow the radius, and all of them occur", () => {
  const object = (radius: number) => ({ radius }) as SceneObject;
  assert.deepEqual(
    [0.06, 0.0899, 0.09, 0.1499, 0.15, 0.2599, 0.26, 0.4].map((radius) => sizeOf(object(radius))),
    ["small", "small", "medium", "medium", "large", "large", "large", "large"],
  );
  const words = new Set(SCENES.flatMap(({ scene }) => scene.map(sizeOf)));
  assert.deepEqual([...words].sort(), ["large", "medium", "small"]);
});

Deno.test("the same stream gives the same scene", () => {
  const draw = (name: string) => drawScene(stream(1, name), 6);
  assert.deepEqual(draw("a"), draw("a"));
  assert.notDeepEqual(draw("a"), draw("b"));
});
