/** Every answer against one found from the question's text alone. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import {
  askScene,
  DRAWN_TYPES,
  LOOK_UPS,
  plural,
  SCENE_QUESTIONS,
  withArticle,
} from "./questions.ts";
import { drawScene, type Scene, type SceneObject } from "./scene.ts";

const SHAPE_WORDS = "circle|square|triangle|rectangle|diamond|cross|ring";
const COLOR_WORDS = "red|green|blue|yellow|orange|gray|black|teal|brown|purple|pink|cyan";
const THING = `(?:(?:${COLOR_WORDS}) )?(?:object|shape|${SHAPE_WORDS})`;

/** Objects that fit words such as `red object`, `circle` or `red circle`. */
function fitting(scene: Scene, words: string): SceneObject[] {
  return scene.filter(({ color, shape }) =>
    words.split(" ").every((word) =>
      word === "object" || word === "shape" || word === color || word === shape
    )
  );
}

/** The one object that is meant; a name that fits several names none. */
function only(scene: Scene, words: string): SceneObject {
  const found = fitting(scene, words);
  assert.equal(found.length, 1, `"${words}" names ${found.length} objects`);
  return found[0];
}

const place = ({ x, y }: SceneObject) => `x${(15 * x).toFixed(0)} y${(15 * y).toFixed(0)}`;
const distance = (a: SceneObject, b: SceneObject) => Math.hypot(a.x - b.x, a.y - b.y);
const yesNo = (holds: boolean) => holds ? "yes" : "no";

function other(scene: Scene, from: SceneObject, which: string): SceneObject {
  const sign = which === "closest to" ? 1 : -1;
  return scene.filter((object) => object !== from)
    .reduce((best, object) =>
      sign * distance(object, from) < sign * distance(best, from) ? object : best
    );
}

const SIDES: Record<string, (object: SceneObject) => boolean> = {
  "on the left": ({ x }) => x < 0.5,
  "on the right": ({ x }) => x >= 0.5,
  "at the top": ({ y }) => y < 0.5,
  "at the bottom": ({ y }) => y >= 0.5,
};

const RELATIONS: Record<string, (a: SceneObject, b: SceneObject) => boolean> = {
  "left of": (a, b) => a.x < b.x,
  "right of": (a, b) => a.x > b.x,
  "above": (a, b) => a.y < b.y,
  "below": (a, b) => a.y > b.y,
};

const anyOf = (table: Record<string, unknown>) => Object.keys(table).join("|");

/** What a question can look like by its type, and how it is answered. */
const SOLVERS: Record<
  string,
  [pattern: string, solve: (scene: Scene, words: string[]) => string][]
> = {
  completion: [[`an? (${COLOR_WORDS})`, (scene, [color]) => {
    const object = only(scene, color);
    return `${object.shape} at ${place(object)}`;
  }]],
  shape: [
    ["what shape (?:is in the image|is present|does the image contain)\\?", ([object, ...rest]) => {
      assert.equal(rest.length, 0);
      return object.shape;
    }],
    [
      `(?:what is the shape of the|what shape is the|what is the) ((?:${COLOR_WORDS}) (?:object|shape))\\?`,
      (scene, [name]) => only(scene, name).shape,
    ],
  ],
  color: [[
    `(?:what color is the|what is the color of the) (${THING})\\?`,
    (scene, [name]) => only(scene, name).color,
  ]],
  size: [[`what size is the (${THING})\\?`, (scene, [name]) => {
    const { radius } = only(scene, name);
    return radius < 0.09 ? "small" : radius < 0.15 ? "medium" : "large";
  }]],
  place: [[`where is the (${THING})\\?`, (scene, [name]) => place(only(scene, name))]],
  "horizontal position": [[
    `is the (${THING}) (on the (?:left|right))\\?`,
    (scene, [name, side]) => yesNo(SIDES[side](only(scene, name))),
  ]],
  "vertical position": [[
    `is the (${THING}) (at the (?:top|bottom))\\?`,
    (scene, [name, side]) => yesNo(SIDES[side](only(scene, name))),
  ]],
  exists: [
    [
      `is there an? (${THING})(?: in the image)?\\?|does the image contain an? (${THING})\\?|is an? (${THING}) present\\?`,
      (scene, words) => yesNo(fitting(scene, words.find(Boolean)!).length > 0),
    ],
    [
      `is there not an? (${THING})(?: in the image)?\\?|does the image not contain an? (${THING})\\?|is no (${THING}) present\\?`,
      (scene, words) => yesNo(fitting(scene, words.find(Boolean)!).length === 0),
    ],
  ],
  count: [
    [
      `how many objects have the shape of the (${THING})\\?`,
      (scene, [name]) => `${fitting(scene, only(scene, name).shape).length}`,
    ],
    [
      `how many ((?:(?:${COLOR_WORDS}) )?object|${SHAPE_WORDS})e?s are there\\?`,
      (scene, [name]) => `${fitting(scene, name).length}`,
    ],
  ],
  closest: [],
  furthest: [],
  relation: [[
    `is the (${THING}) (${anyOf(RELATIONS)}) the (${THING})\\?`,
    (scene, [a, relation, b]) => yesNo(RELATIONS[relation](only(scene, a), only(scene, b))),
  ]],
  same: [[
    `do the (${THING}) and the (${THING}) have the same shape\\?`,
    (scene, [a, b]) => yesNo(only(scene, a).shape === only(scene, b).shape),
  ]],
};
for (const [type, words] of [["closest", "closest to"], ["furthest", "furthest from"]]) {
  SOLVERS[type] = [
    [
      `what is the shape of the object ${words} the (${THING})\\?`,
      (scene, [name]) => other(scene, only(scene, name), words).shape,
    ],
    [
      `what color is the object ${words} the (${THING})\\?`,
      (scene, [name]) => other(scene, only(scene, name), words).color,
    ],
  ];
}

function solve(type: string, scene: Scene, text: string): { pattern: number; answer: string } {
  for (const [pattern, [expression, answer]] of SOLVERS[type].entries()) {
    const match = new RegExp(`^(?:${expression})$`).exec(text);
    if (match) return { pattern, answer: answer(scene, match.slice(1)) };
  }
  throw new Error(`No such question of type ${type}: "${text}"`);
}

assert.deepEqual(Object.keys(SOLVERS), Object.keys(SCENE_QUESTIONS));

for (const type of Object.keys(SCENE_QUESTIONS)) {
  Deno.test(`every answer of type ${type} follows from the text and the scene`, () => {
    const random = stream(1, `questions of the tests/${type}`);
    const patterns = new Set<number>(), answers = new Map<string, number>();
    let asked = 0;
    while (asked < 500) {
      const scene = drawScene(random, 1 + random.int(7));
      const question = SCENE_QUESTIONS[type](scene, random);
      if (!question) continue;
      asked++;
      const { pattern, answer } = solve(type, scene, question.text);
      assert.equal(question.answer, answer, `${question.text} ${JSON.stringify(scene)}`);
      patterns.add(pattern);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
    assert.equal(patterns.size, SOLVERS[type].length, "every wording is drawn");
    assert.ok(answers.size > 1);
    // A blind guess is not mostly right. Counts are mostly small.
    const commonest = Math.max(...answers.values()) / asked;
    assert.ok(commonest < (type === "same" ? 0.85 : 0.7), `${commonest}`);
  });
}

Deno.test("a scene is asked only what has one answer", () => {
  const object = (color: SceneObject["color"], shape: SceneObject["shape"], x: number) => ({
    ...{ color, shape, x },
    y: 0.5,
    radius: 0.07,
    aspect: 1,
  });
  // Two alike, and one as far from the third as the other.
  const twins = [
    object("red", "ring", 0.2),
    object("red", "ring", 0.8),
    object("blue", "cross", 0.5),
  ];
  const random = stream(1, "twins");
  for (let i = 0; i < 300; i++) {
    for (const type of ["closest", "furthest"]) {
      assert.equal(SCENE_QUESTIONS[type](twins, random), null, type);
    }
    const question = SCENE_QUESTIONS.shape(twins, random);
    if (question) assert.match(question.text, /blue/);
    const completion = SCENE_QUESTIONS.completion(twins, random);
    if (completion) assert.equal(completion.text, "a blue");
  }
});

Deno.test("look-ups and all types are drawn, and nothing but what is asked for", () => {
  const random = stream(1, "types");
  const drawn = (types: readonly string[]) =>
    new Set(
      Array.from({ length: 600 }, () => {
        const scene = drawScene(random, 5);
        const { type, text, answer } = askScene(scene, random, types);
        assert.equal(solve(type, scene, text).answer, answer);
        return type;
      }),
    );
  assert.deepEqual(drawn(LOOK_UPS), new Set(LOOK_UPS).intersection(drawn(LOOK_UPS)));
  assert.deepEqual([...drawn(LOOK_UPS)].sort(), [...new Set(LOOK_UPS)].sort());
  assert.deepEqual([...drawn(DRAWN_TYPES)].sort(), Object.keys(SCENE_QUESTIONS).sort());
});

Deno.test("articles and plurals are English", () => {
  assert.deepEqual(["orange ring", "ring"].map(withArticle), ["an orange ring", "a ring"]);
  assert.deepEqual(["cross", "box", "circle"].map(plural), ["crosses", "boxes", "circles"]);
});
