/**
 * Paints scenes. What a scene leaves open, the ground, the exact colours and how edges come about,
 * is the picture's look, so that the pictures of two scenes can differ in the scenes alone.
 */
import type { Image } from "../data/dataset.ts";
import { plainImage, resize, type Rgb, setPixel } from "../data/image.ts";
import type { RandomStream } from "../data/random.ts";
import { COLORS, type Scene, type SceneObject } from "./scene.ts";

/** What a scene leaves open about its picture. */
export interface Look {
  ground: Rgb;
  /** What each object's colour differs by from the middle of its name; the last one for all others. */
  shifts: readonly Rgb[];
  edges: keyof typeof EDGES;
}

/** Side of pictures that are enlarged. */
const COARSE = 64;

/**
 * How a picture of `side` pixels comes about: the side of the canvas, and the sides it is resized to
 * in turn. Hard edges are those of Sort-of-CLEVR, smooth ones those of easy-shapes, whose pictures
 * are also seen enlarged.
 */
const EDGES = {
  hard: (side: number) => [side],
  smooth: (side: number) => [2 * side, side],
  enlarged: (side: number) => [2 * COARSE, COARSE, side],
};

/** Ways of {@linkcode EDGES}; half of all pictures have hard edges. */
const EDGES_DRAWN = ["hard", "hard", "smooth", "enlarged"] as const;

/** Least Euclidean distance of the ground from an object's colour. */
const CONTRAST = 80;

/** Largest change of a colour's channel. The two closest colours, orange and yellow, are 99 apart. */
const SHIFT = 20;

const NO_SHIFT: readonly Rgb[] = [[0, 0, 0]];

/** The look that adds nothing: a white ground, plain colours, hard edges. */
export const PLAIN_LOOK: Look = { ground: [255, 255, 255], shifts: NO_SHIFT, edges: "hard" };

/**
 * Draws the look of pictures of these scenes. The ground is white in half, nearly white in three of
 * ten, anything in the others, and far from every colour; colours are shifted in half.
 */
export function drawLook(random: RandomStream, scenes: readonly Scene[]): Look {
  const shift = () => random.int(2 * SHIFT + 1) - SHIFT;
  const most = Math.max(...scenes.map(({ length }) => length));
  const shifts = random.uniform() < 0.5
    ? NO_SHIFT
    : Array.from({ length: most }, (): Rgb => [shift(), shift(), shift()]);
  const colors = scenes.flatMap((scene) => scene.map((object, i) => colorOf(object, i, shifts)));
  const kind = random.uniform();
  const least = kind < 0.5 ? 255 : kind < 0.8 ? 230 : 0;
  const channel = () => least + random.int(256 - least);
  let ground: Rgb = [255, 255, 255];
  // White is far from every colour, so a scene of all colours has a ground too.
  for (let tries = 0; tries < 20; tries++) {
    const drawn: Rgb = [channel(), channel(), channel()];
    if (colors.every((color) => distance(color, drawn) >= CONTRAST)) {
      ground = drawn;
      break;
    }
  }
  return { ground, shifts, edges: random.pick(EDGES_DRAWN) };
}

/** Euclidean distance of two colours. */
function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function colorOf({ color }: SceneObject, index: number, shifts: readonly Rgb[]): Rgb {
  const shift = shifts[Math.min(index, shifts.length - 1)];
  const channel = (c: number) => Math.min(255, Math.max(0, COLORS[color][c] + shift[c]));
  return [channel(0), channel(1), channel(2)];
}

/** Whether a point belongs to a shape of radius 1 about the origin, y downwards. */
const COVERS: Record<SceneObject["shape"], (x: number, y: number) => boolean> = {
  circle: (x, y) => x * x + y * y <= 1,
  square: () => true,
  // Its height is a multiple of its width: the square, stretched.
  rectangle: () => true,
  // Equilateral, standing on its base.
  triangle: (x, y) =>
    Math.abs(y) <= Math.sqrt(3) / 2 && Math.abs(x) <= (y + Math.sqrt(3) / 2) / Math.sqrt(3),
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.35,
  ring: (x, y) => x * x + y * y <= 1 && x * x + y * y >= 0.3,
};

/** Paints a scene at `side` x `side` pixels. A pixel belongs to the object that its middle lies in. */
export function paintScene(scene: Scene, look: Look, side: number): Image {
  const [canvas, ...sides] = EDGES[look.edges](side);
  const image = plainImage(canvas, canvas, look.ground);
  scene.forEach((object, i) => paintObject(image, object, colorOf(object, i, look.shifts)));
  return sides.reduce((painted, to) => resize(painted, to, to), image);
}

function paintObject(image: Image, object: SceneObject, color: Rgb) {
  const side = image.width;
  const covers = COVERS[object.shape];
  const half = [object.radius * side, object.radius * object.aspect * side];
  const middle = [object.x * side, object.y * side];
  // Pixel p has its middle at p + 1/2. What a rounding error decides is decided for the object.
  const slack = 1e-9 * side;
  const first = (axis: number) => Math.max(0, Math.ceil(middle[axis] - half[axis] - 0.5 - slack));
  const last = (axis: number) =>
    Math.min(side - 1, Math.floor(middle[axis] + half[axis] - 0.5 + slack));
  for (let py = first(1); py <= last(1); py++) {
    const y = (py + 0.5 - middle[1]) / (half[1] + slack);
    for (let px = first(0); px <= last(0); px++) {
      if (covers((px + 0.5 - middle[0]) / (half[0] + slack), y)) setPixel(image, px, py, color);
    }
  }
}
