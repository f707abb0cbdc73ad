/**
 * A scene in words: as text, and as phrases whose words stand in one place.
 *
 * An image token says everything about its part of the picture at once. So that the decoder has
 * read such tokens before it sees any, a phrase, "small red circle x3 y5", can also be put into one
 * token: the weighted sum of its words' embeddings. A place between two steps is a mixture of both.
 */
import type { RandomStream } from "../data/random.ts";
import { placeWords, withArticle } from "./questions.ts";
import { placeOf, PLACES, type Scene, type SceneObject, sizeOf } from "./scene.ts";

/** One object in words. */
export function phrase(object: SceneObject, withSize: boolean): string {
  const { color, shape } = object;
  const words = withSize ? `${sizeOf(object)} ${color} ${shape}` : `${color} ${shape}`;
  return `${withArticle(words)} at ${placeWords(object)}`;
}

/** The scene as text, its objects in any order. */
export function describeScene(scene: Scene, random: RandomStream): string {
  const withSize = random.uniform() < 0.7;
  const opening = random.uniform() < 0.5 ? "there is " : "";
  return random.shuffle(scene).map((object) => `${opening}${phrase(object, withSize)}.`).join(" ");
}

/** Tokens of the shortest form of a phrase, and of the longest. */
const SHORTEST = 7;
const LONGEST = 10;

/**
 * Phrases of the scene's objects as token ids: all of them in any order and wording, again and again
 * until there are just as many tokens as asked for.
 *
 * @param length 21 at the least, for which whole phrases can always be found.
 * @param encode Gives a token a word: "a red circle at x3 y5." has seven, a size one more, "there is"
 * two.
 */
export function describeToLength(
  scene: Scene,
  length: number,
  encode: (text: string) => number[],
  random: RandomStream,
): number[][] {
  const phrases: number[][] = [];
  let left = length;
  let order: readonly SceneObject[] = [];
  while (left > 0) {
    if (order.length === 0) order = random.shuffle(scene);
    const [object, ...others] = order;
    order = others;
    const forms = [false, true, true].flatMap((withSize) =>
      ["", "there is "].map((opening) => encode(`${opening}${phrase(object, withSize)}.`))
    ).filter((form) => fillable(left - form.length));
    if (forms.length === 0) {
      throw new RangeError(`Cannot describe scene in ${length} tokens: no phrases have so many`);
    }
    const form = random.pick(forms);
    phrases.push(form);
    left -= form.length;
  }
  return phrases;
}

/** Whether whole phrases can make so many tokens. */
function fillable(tokens: number): boolean {
  const phrases = Math.ceil(tokens / LONGEST);
  return tokens >= 0 && phrases * SHORTEST <= tokens;
}

/** The word of a token that shows nothing but the ground. */
export const GROUND = "ground";

/** Weights of words in one token. */
export type Bag = ReadonlyMap<string, number>;

/** Side of the grid of patches that image tokens stand for; a class token comes before them. */
export const GRID = 5;

/** Chance that a word is missing where its object has several tokens. */
const MISSING = 0.15;

/** How a scene is put into tokens. */
export interface BagOrder {
  /** Share of the scenes that stand as the patches of a picture do. */
  patches: number;
  /** Largest share of tokens in any order that may show the ground alone. */
  ground: number;
  /** Share of the scenes that show each object in one token only. */
  once: number;
}

/**
 * The scene as `1 + GRID^2` tokens, in one of two orders drawn by chance:
 *
 * - as patches of a picture, row by row behind a class token: a patch is about the object that has
 *   its middle nearest of those that reach into it, or about the ground;
 * - in any order, every object at least once, the rest copies of them or ground.
 *
 * In some scenes of either order each object has one token, and all others show the ground: what is
 * there once can be counted. A projector may learn to say it so.
 *
 * Weights vary by a third, and words are missing now and then, as an imperfect projection would
 * have it.
 */
export function sceneBags(scene: Scene, random: RandomStream, order: BagOrder): Bag[] {
  const once = random.uniform() < order.once;
  const about = random.uniform() < order.patches
    ? patchObjects(scene, once)
    : anyOrder(scene, once ? 1 : order.ground * random.uniform(), random);
  return about.map((object) => {
    const several = object !== null && about.filter((other) => other === object).length > 1;
    return bag(object, several ? MISSING : 0, random);
  });
}

type Slots = (SceneObject | null)[];

function patchObjects(scene: Scene, once: boolean): Slots {
  /** Distance of an object's middle from a patch's, along x and y. */
  const from = ({ x, y }: SceneObject, patch: number) => [
    Math.abs(x - (patch % GRID + 0.5) / GRID),
    Math.abs(y - (Math.floor(patch / GRID) + 0.5) / GRID),
  ];
  const distance = (object: SceneObject, patch: number) => Math.hypot(...from(object, patch));
  const patches = Array.from({ length: GRID ** 2 }, (_, patch) => {
    const reaching = scene.filter((object) => {
      const [dx, dy] = from(object, patch);
      return dx < 0.5 / GRID + object.radius && dy < 0.5 / GRID + object.radius * object.aspect;
    });
    return reaching.sort((a, b) => distance(a, patch) - distance(b, patch))[0] ?? null;
  });
  if (!once) return [null, ...patches];
  const nearest = new Map<SceneObject, number>();
  patches.forEach((object, patch) => {
    if (!object) return;
    const before = nearest.get(object);
    if (before === undefined || distance(object, patch) < distance(object, before)) {
      nearest.set(object, patch);
    }
  });
  return [
    null,
    ...patches.map((object, patch) => object && nearest.get(object) === patch ? object : null),
  ];
}

function anyOrder(scene: Scene, ground: number, random: RandomStream): Slots {
  const slots: Slots = [...scene];
  while (slots.length < 1 + GRID ** 2) {
    slots.push(random.uniform() < ground ? null : random.pick(scene));
  }
  return random.shuffle(slots);
}

function bag(object: SceneObject | null, missing: number, random: RandomStream): Bag {
  const weight = () => 1 + (random.uniform() - 0.5) * 2 / 3;
  if (!object) return new Map([[GROUND, weight()]]);
  const words = new Map<string, number>();
  for (const word of [object.color, object.shape, sizeOf(object)]) {
    if (random.uniform() >= missing) words.set(word, weight());
  }
  for (const axis of ["x", "y"] as const) {
    const place = placeOf(object[axis]);
    const low = Math.min(Math.floor(place), PLACES - 2);
    const strength = weight();
    words.set(`${axis}${low}`, strength * (1 - (place - low)));
    words.set(`${axis}${low + 1}`, strength * (place - low));
  }
  return words;
}
