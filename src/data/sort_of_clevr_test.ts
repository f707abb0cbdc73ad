import assert from "node:assert/strict";
import type { Image } from "./dataset.ts";
import { QUESTION_TYPES, type SceneObject, sortOfClevr } from "./sort_of_clevr.ts";

const small = { seed: 2, trainImages: 60, validationImages: 5, testImages: 20 };
const COLORS: Record<string, string> = {
  red: "255,0,0",
  green: "0,255,0",
  blue: "0,0,255",
  orange: "255,156,0",
  gray: "128,128,128",
  yellow: "255,255,0",
};

/** Reads the objects back from the pixels; null where one is partly covered. */
function look({ data }: Image): SceneObject[] | null {
  const objects: SceneObject[] = [];
  for (const [color, rgb] of Object.entries(COLORS)) {
    const at: number[] = [];
    for (let pixel = 0; pixel < 75 * 75; pixel++) {
      if (data.subarray(pixel * 3, pixel * 3 + 3).join() === rgb) {
        at.push(pixel);
      }
    }
    // 11 x 11 for a square; for a circle the 97 points of the grid within 5.5 pixels.
    if (at.length !== 121 && at.length !== 97) return null;
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    objects.push({
      color,
      shape: at.length === 121 ? "square" : "circle",
      x: mean(at.map((pixel) => pixel % 75)),
      y: mean(at.map((pixel) => Math.floor(pixel / 75))),
    });
  }
  return objects;
}

/** The answer worked out anew from what is seen, by the words of the question alone. */
function answerOf(text: string, scene: SceneObject[]): string {
  const object = scene.find(({ color }) => text.includes(`${color} object`))!;
  const byDistance = scene.filter((other) => other !== object)
    .sort((a, b) =>
      Math.hypot(a.x - object.x, a.y - object.y) -
      Math.hypot(b.x - object.x, b.y - object.y)
    );
  if (text.includes("left")) return object.x < 37.5 ? "yes" : "no";
  if (text.includes("top")) return object.y < 37.5 ? "yes" : "no";
  if (text.includes("closest")) return byDistance[0].shape;
  if (text.includes("furthest")) return byDistance[4].shape;
  if (text.includes("how many")) {
    return String(scene.filter(({ shape }) => shape === object.shape).length);
  }
  return object.shape;
}

Deno.test("answers agree with what the pictures show", async () => {
  const { train } = sortOfClevr(small);
  const checked = new Map<string, number>();
  for (const example of train) {
    const scene = look(await example.image());
    if (scene === null) continue;
    for (const { text, answer, type } of example.questions) {
      assert.equal(answer, answerOf(text, scene), `${example.id}: ${text}`);
      checked.set(type, (checked.get(type) ?? 0) + 1);
    }
  }
  assert.deepEqual(
    [...checked.keys()].sort(),
    Object.keys(QUESTION_TYPES).sort(),
  );
  for (const count of checked.values()) assert.ok(count > 40, String(count));
});

Deno.test("a picture has ten non-relational and ten relational questions, each kind's types equally often", () => {
  const { train } = sortOfClevr({ ...small, trainImages: 300 });
  const questions = train.flatMap((example) => {
    const relational = example.questions.filter(({ type }) => type.startsWith("relational: "));
    const plain = example.questions.filter(({ type }) => type.startsWith("non-relational: "));
    assert.deepEqual([
      relational.length,
      plain.length,
      example.questions.length,
    ], [10, 10, 20]);
    return example.questions;
  });
  for (const name of Object.keys(QUESTION_TYPES)) {
    const count = questions.filter(({ type }) => type === name).length;
    assert.ok(Math.abs(count - 1000) < 120, `${name}: ${count}`);
  }
});

Deno.test("a tie between unlike objects has no answer, and between like ones it has", () => {
  const object = (
    color: string,
    shape: "square" | "circle",
    x: number,
  ): SceneObject => ({ color, shape, x, y: 30 });
  const red = object("red", "square", 30);
  const closest = QUESTION_TYPES["relational: closest"];
  const furthest = QUESTION_TYPES["relational: furthest"];
  const unlike = [
    red,
    object("blue", "circle", 20),
    object("gray", "square", 40),
  ];
  assert.equal(closest.answer(red, unlike), null);
  assert.equal(furthest.answer(red, unlike), null);
  const like = [
    red,
    object("blue", "circle", 20),
    object("gray", "circle", 40),
  ];
  assert.equal(closest.answer(red, like), "circle");
  assert.equal(
    closest.answer(red, [...unlike, object("green", "square", 31)]),
    "square",
  );
});

Deno.test("the same seed gives the same data set, and no picture is in two splits", async () => {
  const one = sortOfClevr(small);
  assert.equal(one.contentHash, sortOfClevr(small).contentHash);
  assert.notEqual(
    one.contentHash,
    sortOfClevr({ ...small, seed: 3 }).contentHash,
  );
  const seen = new Set<string>();
  for (const example of [...one.train, ...one.validation, ...one.test]) {
    const { width, height, data } = await example.image();
    assert.deepEqual([width, height], [75, 75]);
    seen.add(data.toString());
  }
  assert.equal(seen.size, 85);
});
