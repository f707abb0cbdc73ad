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
}

/**
 * The scene as `1 + GRID^2` tokens, in one of two orders drawn by chance:
 *
 * - as patches of a picture, row by row behind a class token: a patch is about the object that has
 *   its middle nearest of those that reach into it, or about the ground;
 * - in any order, every object at least once, the rest copies of them or ground.
 *
 * Weights vary by a third, and words are missing now and then, as an imperfect projection would
 * have it.
 */
export function sceneBags(scene: Scene, random: RandomStream, order: BagOrder): Bag[] {
  const about = random.uniform() < order.patches
    ? patchObjects(scene)
    : anyOrder(scene, order.ground * random.uniform(), random);
  return about.map((object) => {
    const several = object !== null && about.filter((other) => other === object).length > 1;
    return bag(object, several ? MISSING : 0, random);
  });
}

type Slots = (SceneObject | null)[];

function patchObjects(scene: Scene): Slots {
  const slots: Slots = [null];
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      // Distance of the object's middle from the patch's, and whether it reaches into the patch.
      const from = ({ x, y }: SceneObject) => [
        Math.abs(x - (column + 0.5) / GRID),
        Math.abs(y - (row + 0.5) / GRID),
      ];
      const [nearest = null] = scene
        .filter((object) => {
          const [dx, dy] = from(object);
          return dx < 0.5 / GRID + object.radius && dy < 0.5 / GRID + object.radius * object.aspect;
        })
        .sort((a, b) => Math.hypot(...from(a)) - Math.hypot(...from(b)));
      slots.push(nearest);
    }
  }
  return slots;
}

function anyOrder(scene: Scene, ground: number, random: RandomStream): Slots {
  const slots: Slots = [...scene];
  while (slots.length < 1 + GRID ** 2) {
    slots.push(random.uniform() < ground ? null : scene[random.int(scene.length)]);
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
