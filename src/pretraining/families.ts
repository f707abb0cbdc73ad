/**
 * Families: scenes that are one scene but for one attribute of all of its objects, each with a
 * caption that says it of all. In a batch of one family nothing else tells captions apart, so every
 * picture is learnt from for each of its objects.
 */
import type { RandomStream } from "../data/random.ts";
import { NAMES } from "./captions.ts";
import {
  COLOR_NAMES,
  drawObject,
  drawScene,
  fits,
  type Scene,
  type SceneObject,
  SHAPES,
  SIZES,
} from "./scene.ts";

/** What the members of a family differ in. */
interface Family {
  /** How its captions name an object. */
  name: keyof typeof NAMES;
  /** Most objects whose names a caption has room for. */
  most: number;
  /** The object as another member has it; where it may not stand there, it is asked again. */
  vary(object: SceneObject, random: RandomStream): SceneObject;
}

/** The same object with another shape, as wide as it was. */
export function withShape(
  object: SceneObject,
  shape: SceneObject["shape"],
  random: RandomStream,
): SceneObject {
  const aspect = shape === "rectangle" ? 0.4 + 0.3 * random.uniform() : 1;
  return { ...object, shape, aspect };
}

/** Families by what their members differ in. */
export const FAMILIES = {
  shape: {
    name: "color, shape",
    most: 6,
    vary: (object, random) => withShape(object, random.pick(SHAPES), random),
  },
  "size and shape": {
    name: "size, color, shape",
    most: 6,
    vary: (object, random) => {
      const { radius, shape, aspect } = drawObject(random, object.color, SIZES.large);
      return { ...object, radius, shape, aspect };
    },
  },
  place: {
    name: "color, place",
    most: 4,
    vary: (object, random) => {
      const { x, y } = drawObject(random, object.color, SIZES.small);
      return { ...object, x, y };
    },
  },
  color: {
    name: "color, shape",
    most: 6,
    vary: (object, random) => ({ ...object, color: random.pick(COLOR_NAMES) }),
  },
} satisfies Record<string, Family>;

/** What the members of a family can differ in. */
export type FamilyAttribute = keyof typeof FAMILIES;

/** Fewest objects of a family: with fewer, a batch has more pictures than there are captions. */
export const SMALLEST_FAMILY = 3;

/**
 * A drawer of members of one family, no two with the same caption. The first call draws what they have
 * in common, from its own random stream.
 *
 * @param objects From {@linkcode SMALLEST_FAMILY} up; no more than its captions have room for are taken.
 */
export function drawFamily(
  attribute: FamilyAttribute,
  objects: number,
): (random: RandomStream) => { scenes: Scene[]; captions: string[] } {
  const { name, most, vary }: Family = FAMILIES[attribute];
  const told = new Set<string>();
  let first: Scene | undefined;
  return (random) => {
    first ??= drawDistinct(Math.min(objects, most), random);
    while (true) {
      const scene = variant(first, vary, random);
      const caption = scene?.map((object) => `${NAMES[name](object)}.`).join(" ");
      if (!scene || told.has(caption!)) continue;
      told.add(caption!);
      return { scenes: [scene], captions: [caption!] };
    }
  };
}

/** A scene of so many objects, all of different colours. */
function drawDistinct(objects: number, random: RandomStream): Scene {
  while (true) {
    const scene = drawScene(random, objects);
    if (scene.length === objects && colorsDiffer(scene)) return scene;
  }
}

const colorsDiffer = (scene: Scene) =>
  new Set(scene.map(({ color }) => color)).size === scene.length;

/** Tries to find an object's new state before another scene is begun. */
const TRIES = 20;

/** A member of a scene's family; null where the draw fails. */
function variant(first: Scene, vary: Family["vary"], random: RandomStream): Scene | null {
  const scene: SceneObject[] = [];
  for (const object of first) {
    const found = Array.from({ length: TRIES }).reduce<SceneObject | null>(
      (found) => {
        if (found) return found;
        const drawn = vary(object, random);
        return fits(drawn, scene) ? drawn : null;
      },
      null,
    );
    if (!found) return null;
    scene.push(found);
  }
  return colorsDiffer(scene) ? scene : null;
}
