/**
 * Questions about a scene, with their answers.
 *
 * A type is a function from a scene to a question, or nothing where the scene has no such question
 * with one answer. Wordings are several, those of the data sets that the models are tried on among
 * them.
 */
import type { RandomStream } from "../data/random.ts";
import {
  COLOR_NAMES,
  placeOf,
  type Scene,
  type SceneObject,
  SHAPES,
  sizeOf,
  squaredDistance,
} from "./scene.ts";

/** A question and its answer. */
export interface SceneQuestion {
  text: string;
  answer: string;
  /** Its type, a key of {@linkcode SCENE_QUESTIONS}. */
  type: string;
}

type Ask = (scene: Scene, random: RandomStream) => { text: string; answer: string } | null;

const yesNo = (value: boolean) => value ? "yes" : "no";

/** `a` or `an` and the words. */
export function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}

/** What an object can be called by. `object` and `shape` stand for any shape. */
const NAMES: ((object: SceneObject) => string)[] = [
  ({ color }) => `${color} object`,
  ({ color }) => `${color} shape`,
  ({ shape }) => shape,
  ({ color, shape }) => `${color} ${shape}`,
];
const BY_COLOR = NAMES.slice(0, 2);
const BY_SHAPE = NAMES.slice(2, 3);

/** An object and a name that fits it alone; null where the one drawn has none. */
function named(scene: Scene, random: RandomStream, names = NAMES) {
  const object = random.pick(scene);
  const fitting = names.filter((name) =>
    scene.every((other) => other === object || name(other) !== name(object))
  );
  return fitting.length === 0 ? null : { object, name: random.pick(fitting)(object) };
}

/** The other object with the least score; null where another is nearly as low. */
function least(object: SceneObject, scene: Scene, score: (other: SceneObject) => number) {
  const others = scene.filter((other) => other !== object)
    .sort((a, b) => score(a) - score(b));
  if (others.length < 2) return others[0] ?? null;
  return score(others[1]) - score(others[0]) < 1e-3 ? null : others[0];
}

function aboutOther(word: string, score: (a: SceneObject, b: SceneObject) => number): Ask {
  return (scene, random) => {
    const found = named(scene, random);
    const other = found && least(found.object, scene, (other) => score(found.object, other));
    if (!other) return null;
    const place = `${word} the ${found.name}`;
    return random.pick([
      { text: `what is the shape of the object ${place}?`, answer: other.shape },
      // A colour tells best which object is meant, and so teaches to find it.
      { text: `what color is the object ${place}?`, answer: other.color },
    ]);
  };
}

/**
 * Share of the yes/no questions in their plain sense. At a half, neither the scene nor the wording
 * alone would tell anything about the answer, and such an exclusive or is found late or never.
 */
const LEANING = 0.75;

/** A yes/no question about the side that an object is on. */
function onSide(
  [low, high]: [string, string],
  coordinate: "x" | "y",
): Ask {
  return (scene, random) => {
    const found = named(scene, random);
    if (!found) return null;
    const isLow = found.object[coordinate] < 0.5;
    const asksLow = random.uniform() < LEANING;
    return {
      text: `is the ${found.name} ${asksLow ? low : high}?`,
      answer: yesNo(isLow === asksLow),
    };
  };
}

const EXISTS = [
  "is there A?",
  "is there A in the image?",
  "does the image contain A?",
  "is A present?",
];
const EXISTS_NOT = [
  "is there not A?",
  "is there not A in the image?",
  "does the image not contain A?",
  "is no T present?",
];

/** Question types by name. */
export const SCENE_QUESTIONS: Record<string, Ask> = {
  // No question but the beginning of a phrase: what the last word names is to be found and told.
  completion: (scene, random) => {
    const object = random.pick(scene);
    if (scene.some((other) => other !== object && other.color === object.color)) return null;
    return {
      text: withArticle(object.color),
      answer: `${object.shape} at ${placeWords(object)}`,
    };
  },
  shape: (scene, random) => {
    if (scene.length === 1 && random.uniform() < 0.6) {
      const texts = [
        "what shape is in the image?",
        "what shape is present?",
        "what shape does the image contain?",
      ];
      return { text: random.pick(texts), answer: scene[0].shape };
    }
    const found = named(scene, random, BY_COLOR);
    if (!found) return null;
    const texts = [
      `what is the shape of the ${found.name}?`,
      `what is the ${found.object.color} shape?`,
      `what shape is the ${found.name}?`,
    ];
    return { text: random.pick(texts), answer: found.object.shape };
  },
  color: (scene, random) => {
    const found = named(scene, random, BY_SHAPE);
    if (!found) return null;
    const name = scene.length === 1 && random.uniform() < 0.5 ? "shape" : found.name;
    const texts = [`what color is the ${name}?`, `what is the color of the ${name}?`];
    return { text: random.pick(texts), answer: found.object.color };
  },
  size: (scene, random) => {
    const found = named(scene, random);
    return found && { text: `what size is the ${found.name}?`, answer: sizeOf(found.object) };
  },
  place: (scene, random) => {
    const found = named(scene, random);
    return found &&
      { text: `where is the ${found.name}?`, answer: placeWords(found.object) };
  },
  "horizontal position": onSide(["on the left", "on the right"], "x"),
  "vertical position": onSide(["at the top", "at the bottom"], "y"),
  exists: (scene, random) => {
    const about = random.pick(scene);
    const kind = random.int(3);
    const color = random.uniform() < 0.5 ? about.color : random.pick(COLOR_NAMES);
    const shape = random.uniform() < 0.5 ? about.shape : random.pick(SHAPES);
    const thing = [`${color} shape`, shape, `${color} ${shape}`][kind];
    const present = scene.some((object) =>
      (kind === 1 || object.color === color) && (kind === 0 || object.shape === shape)
    );
    const negated = random.uniform() >= LEANING;
    const text = random.pick(negated ? EXISTS_NOT : EXISTS)
      .replace("A", withArticle(thing)).replace("T", thing);
    return { text, answer: yesNo(present !== negated) };
  },
  count: (scene, random) => {
    const count = (fits: (object: SceneObject) => boolean) => String(scene.filter(fits).length);
    const about = random.pick(scene);
    const found = named(scene, random, BY_COLOR);
    const like = (part: "shape" | "color") =>
      found && {
        text: `how many objects have the ${part} of the ${found.name}?`,
        answer: count((object) => object[part] === found.object[part]),
      };
    return random.pick([
      { text: "how many objects are there?", answer: String(scene.length) },
      {
        text: `how many ${about.color} objects are there?`,
        answer: count(({ color }) => color === about.color),
      },
      {
        text: `how many ${plural(about.shape)} are there?`,
        answer: count(({ shape }) => shape === about.shape),
      },
      like("shape"),
      like("shape"),
      like("shape"),
    ]);
  },
  closest: aboutOther("closest to", squaredDistance),
  furthest: aboutOther("furthest from", (a, b) => -squaredDistance(a, b)),
  relation: (scene, random) => {
    const one = named(scene, random), two = named(scene, random);
    if (!one || !two || one.object === two.object) return null;
    const [a, b] = [one.object, two.object];
    const relations: [string, boolean][] = [
      ["left of", a.x < b.x],
      ["right of", a.x > b.x],
      ["above", a.y < b.y],
      ["below", a.y > b.y],
    ];
    const [word, holds] = random.pick(relations);
    return { text: `is the ${one.name} ${word} the ${two.name}?`, answer: yesNo(holds) };
  },
  same: (scene, random) => {
    const one = named(scene, random, BY_COLOR), two = named(scene, random, BY_COLOR);
    if (!one || !two || one.object === two.object) return null;
    return {
      text: `do the ${one.name} and the ${two.name} have the same shape?`,
      answer: yesNo(one.object.shape === two.object.shape),
    };
  },
};

/** How often each type is drawn: what needs several objects is harder to learn, and comes more often. */
const WEIGHTS: Record<string, number> = {
  completion: 2,
  shape: 2,
  color: 2,
  "horizontal position": 2,
  "vertical position": 2,
  exists: 2,
  relation: 2,
  count: 4,
  closest: 6,
  furthest: 5,
};

/** Types as often as they are drawn. */
export const DRAWN_TYPES = Object.keys(SCENE_QUESTIONS)
  .flatMap((type) => Array.from({ length: WEIGHTS[type] ?? 1 }, () => type));

/** Types that one object alone answers, as often as they are drawn where only those are. */
export const LOOK_UPS: readonly string[] = [
  "completion",
  "completion",
  "shape",
  "color",
  "place",
  "horizontal position",
  "exists",
];

/** The plural of a shape's name. */
export function plural(shape: string): string {
  return /(s|x)$/.test(shape) ? `${shape}es` : `${shape}s`;
}

/** The words of an object's place. */
export function placeWords({ x, y }: SceneObject): string {
  return `x${Math.round(placeOf(x))} y${Math.round(placeOf(y))}`;
}

/** Draws a question about a scene that has at least one object. */
export function askScene(
  scene: Scene,
  random: RandomStream,
  types: readonly string[] = DRAWN_TYPES,
): SceneQuestion {
  while (true) {
    const type = random.pick(types);
    const question = SCENE_QUESTIONS[type](scene, random);
    if (question) return { ...question, type };
  }
}
