/**
 * Hard siblings: four scenes that are the same but for one attribute, each with a caption that fits
 * it alone. Colours and coarse places do not tell which caption belongs to which, so that a tower
 * must also see shapes, sizes and exact places.
 */
import type { RandomStream } from "../data/random.ts";
import { captionLength, LONGEST_CAPTION, NAMES } from "./captions.ts";
import { phrase } from "./description.ts";
import { withShape } from "./families.ts";
import {
  COLOR_NAMES,
  drawScene,
  fits,
  MOST_OBJECTS,
  PLACES,
  type Scene,
  type SceneObject,
  SHAPES,
  type SIZES,
} from "./scene.ts";

/** Scenes of a group. */
export const SIBLINGS = 4;

/** What siblings differ in. */
export type Attribute = keyof typeof ATTRIBUTES;

/** Scenes that differ in one attribute, and a caption of each that fits no other. */
export interface SiblingGroup {
  scenes: Scene[];
  captions: string[];
}

/** Scenes whose objects at the places `targets` differ. */
interface Variants {
  scenes: Scene[];
  targets: number[];
}

/** Draws scenes of no more than `most` objects, or two to three where sizes differ; null where the draw fails. */
type Vary = (random: RandomStream, most: number) => Variants | null;

/** Four scenes from one and what takes an object's place in each. */
function exchange(
  objects: number,
  variants: (object: SceneObject, others: Scene, random: RandomStream) => SceneObject[],
): Vary {
  return (random, most) => {
    const scene = drawScene(random, 1 + random.int(Math.min(objects, most)));
    const target = random.int(scene.length);
    const others = scene.filter((_, i) => i !== target);
    const drawn = variants(scene[target], others, random);
    if (drawn.length < SIBLINGS || !drawn.every((object) => fits(object, others))) return null;
    return { scenes: drawn.map((object) => scene.with(target, object)), targets: [target] };
  };
}

/** Four places at least a step apart from each other, in half of the groups all close by. */
function places(object: SceneObject, others: Scene, random: RandomStream): SceneObject[] {
  const step = 1 / (PLACES - 1);
  const near = random.uniform() < 0.5;
  const reach = object.radius * Math.max(1, object.aspect);
  const move = (from: number) =>
    near
      ? from + 3 * step * (2 * random.uniform() - 1)
      : reach + (1 - 2 * reach) * random.uniform();
  const found = [object];
  for (let tries = 0; tries < 100 && found.length < SIBLINGS; tries++) {
    const moved = { ...object, x: move(object.x), y: move(object.y) };
    const clear = found.every(({ x, y }) =>
      Math.max(Math.abs(x - moved.x), Math.abs(y - moved.y)) >= step
    );
    if (clear && fits(moved, others)) found.push(moved);
  }
  return found;
}

/** Radii that bear a size word beyond doubt. */
const CLEAR_SIZES: Record<keyof typeof SIZES, [least: number, most: number]> = {
  small: [0.06, 0.082],
  medium: [0.1, 0.14],
  large: [0.17, 0.25],
};

/** Two sizes of each of two objects: there are only three words for sizes. */
const sizes: Vary = (random) => {
  const scene = drawScene(random, 2 + random.int(2));
  if (scene.length < 2) return null;
  const targets = random.shuffle([...scene.keys()]).slice(0, 2);
  const ways = targets.map((target) =>
    random.shuffle(Object.values(CLEAR_SIZES)).slice(0, 2).map(([least, most]) => ({
      ...scene[target],
      radius: least + (most - least) * random.uniform(),
    }))
  );
  const scenes = ways[0].flatMap((first) =>
    ways[1].map((second) => scene.with(targets[0], first).with(targets[1], second))
  );
  const clear = scenes.every((one) =>
    one.every((object) => fits(object, one.filter((other) => other !== object)))
  );
  return clear ? { scenes, targets } : null;
};

/** How siblings come about, by what they differ in. */
const ATTRIBUTES = {
  shape: exchange(
    6,
    (object, _, random) =>
      random.shuffle(SHAPES).slice(0, SIBLINGS).map((shape) => withShape(object, shape, random)),
  ),
  color: exchange(
    6,
    (object, _, random) =>
      random.shuffle(COLOR_NAMES).slice(0, SIBLINGS).map((color) => ({ ...object, color })),
  ),
  place: exchange(5, places),
  size: sizes,
} satisfies Record<string, Vary>;

/** What siblings can differ in. */
export const SIBLING_ATTRIBUTES = Object.keys(ATTRIBUTES) as Attribute[];

/**
 * Draws four scenes that differ in one attribute, with their captions.
 *
 * @param most Objects of a scene; where sizes differ there are two or three.
 */
export function drawSiblings(
  random: RandomStream,
  attribute: Attribute,
  most = MOST_OBJECTS,
): SiblingGroup {
  while (true) {
    const variants = ATTRIBUTES[attribute](random, most);
    const captions = variants && captionsOf(variants, random);
    if (captions) return { scenes: variants.scenes, captions };
  }
}

/**
 * Names what differs, in the same words otherwise, and in half of the groups another object too.
 * Null where every way to name it fits a sibling as well.
 */
function captionsOf({ scenes, targets }: Variants, random: RandomStream): string[] | null {
  const telling = Object.values(NAMES).filter((name) => {
    const said = scenes.map((scene) => targets.map((target) => name(scene[target])));
    const named = scenes.map((scene) => new Set(scene.map(name)));
    return said.every((names, i) =>
      named.every((all, j) => i === j || !names.every((one) => all.has(one)))
    );
  });
  if (telling.length === 0) return null;
  const name = random.pick(telling);
  const rest = scenes[0].filter((_, i) => !targets.includes(i));
  const also = rest.length > 0 && random.uniform() < 0.5
    ? [phrase(random.pick(rest), random.uniform() < 0.5)]
    : [];
  const order = random.shuffle([...targets.keys(), ...also.map(() => -1)]);
  const captions = scenes.map((scene) =>
    order.map((at) => `${at < 0 ? also[0] : name(scene[targets[at]])}.`).join(" ")
  );
  return captions.every((caption) => captionLength(caption) <= LONGEST_CAPTION) ? captions : null;
}
