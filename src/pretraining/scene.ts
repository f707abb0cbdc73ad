/**
 * Scenes: the small world that the embedded models learn. A scene is a handful of flat shapes on a
 * plain ground; pictures, captions, descriptions and questions are all made from it.
 *
 * The world is wider than the data sets that the models are tried on: more shapes and colours, any
 * number of objects up to eight, any sizes, colours that are there twice.
 */
import type { Rgb } from "../data/image.ts";
import type { RandomStream } from "../data/random.ts";

/** The shapes of the world. */
export const SHAPES = [
  "circle",
  "square",
  "triangle",
  "rectangle",
  "diamond",
  "cross",
  "ring",
] as const;

/** The colours of the world, with the middle of what bears their name. */
export const COLORS = {
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  orange: [255, 156, 0],
  gray: [128, 128, 128],
  black: [0, 0, 0],
  teal: [0, 128, 128],
  brown: [165, 42, 42],
  purple: [128, 0, 160],
  pink: [255, 150, 200],
  cyan: [0, 255, 255],
} as const satisfies Record<string, Rgb>;

/** Names of the colours. */
export const COLOR_NAMES = Object.keys(COLORS) as (keyof typeof COLORS)[];

/** Size words, with the largest radius that bears each, in shares of the picture's side. */
export const SIZES = { small: 0.09, medium: 0.15, large: 0.26 } as const;

/** Words of a place: the picture's side is cut into this many steps less one. */
export const PLACES = 16;

/** Most objects of a scene. */
export const MOST_OBJECTS = 8;

/** One object. Lengths are shares of the picture's side; `x`, `y` is its middle from the upper left. */
export interface SceneObject {
  shape: typeof SHAPES[number];
  color: keyof typeof COLORS;
  x: number;
  y: number;
  /** Half of its width; half of its height too, but for rectangles. */
  radius: number;
  /** Height by width: 1 but for rectangles. */
  aspect: number;
}

/** The objects of a scene, none of which covers another. */
export type Scene = readonly SceneObject[];

/** The size word of an object. */
export function sizeOf({ radius }: SceneObject): keyof typeof SIZES {
  const names = Object.keys(SIZES) as (keyof typeof SIZES)[];
  return names.find((name) => radius < SIZES[name]) ?? "large";
}

/** A coordinate in steps of {@linkcode PLACES}, from 0 to PLACES - 1, not rounded. */
export function placeOf(coordinate: number): number {
  return coordinate * (PLACES - 1);
}

/** Squared distance of two objects' middles. */
export function squaredDistance(a: SceneObject, b: SceneObject): number {
  return (a.x - b.x) ** 2 + (a.y - b.y) ** 2;
}

/** Tries to place an object before the scene is left with fewer. */
const TRIES = 50;

/**
 * Draws a scene of `objects` objects, fewer where they do not fit. Colours are all different in two
 * scenes of three, so that most objects can be named by their colour. In one scene of three there are
 * two shapes only, so that shapes come in numbers.
 */
export function drawScene(random: RandomStream, objects: number): Scene {
  const distinct = random.uniform() < 2 / 3;
  const colors = random.shuffle(COLOR_NAMES);
  const largest = objects > 4 ? 0.11 : objects > 1 ? SIZES.medium : SIZES.large;
  const shapes = random.uniform() < 1 / 3 ? random.shuffle(SHAPES).slice(0, 2) : SHAPES;
  const scene: SceneObject[] = [];
  for (let i = 0; i < objects; i++) {
    const color = distinct ? colors[i % colors.length] : random.pick(colors);
    for (let tries = 0; tries < TRIES; tries++) {
      const object = drawObject(random, color, largest, shapes);
      if (scene.every((other) => apart(object, other))) {
        scene.push(object);
        break;
      }
    }
  }
  return scene;
}

/** Draws one object of a colour, of one of these shapes, whose radius stays below `largest`. */
export function drawObject(
  random: RandomStream,
  color: SceneObject["color"],
  largest: number,
  shapes: readonly SceneObject["shape"][] = SHAPES,
): SceneObject {
  const smallest = 0.06;
  const drawn = smallest + (largest - smallest) * random.uniform();
  const shape = random.pick(shapes);
  // A rectangle is clearly no square.
  const aspect = shape !== "rectangle"
    ? 1
    : random.uniform() < 0.5
    ? 0.4 + 0.3 * random.uniform()
    : 1 / (0.4 + 0.3 * random.uniform());
  // A tall rectangle must not be taller than the picture.
  const radius = Math.min(drawn, 0.45 / aspect);
  const reach = radius * Math.max(1, aspect);
  const place = () => reach + (1 - 2 * reach) * random.uniform();
  return { shape, color, x: place(), y: place(), radius, aspect };
}

/** Whether no pixel is part of both: their enclosing circles or squares do not meet. */
export function apart(a: SceneObject, b: SceneObject): boolean {
  const reach = (o: SceneObject) => o.radius * Math.max(1, o.aspect);
  return Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) > reach(a) + reach(b) ||
    Math.sqrt(squaredDistance(a, b)) > 1.42 * (reach(a) + reach(b));
}

/** Whether the object lies within the picture and touches no other. */
export function fits(object: SceneObject, others: Scene): boolean {
  const reach = object.radius * Math.max(1, object.aspect);
  return [object.x, object.y].every((at) => at >= reach && at <= 1 - reach) &&
    others.every((other) => apart(object, other));
}
