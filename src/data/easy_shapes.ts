/**
 * easy-shapes: the published easy-VQA recipe, drawn on the spot.
 *
 * One circle, rectangle or triangle in one of eight colours on a near-white ground; drawn at 128 x 128 and shrunk to
 * 64 x 64, which smooths its edges. Of 8 questions about shape and colour each is asked with probability 0.32, of
 * 88 yes/no questions each with 0.08.
 *
 * Recipe: Victor Zhou, easy-VQA (2019), https://github.com/vzhou842/easy-VQA, folder `gen_data`. Its outlines come
 * from Pillow; ours are the same shapes, so pictures agree with it but for single edge pixels.
 */
import type { Dataset, DatasetOptions, Image, PresenceQuestion, Question } from "./dataset.ts";
import { plainImage, resize, type Rgb, setPixel } from "./image.ts";
import { generate, type Recipe, type Scene } from "./procedural.ts";
import type { RandomStream } from "./random.ts";

const SIZE = 64;
/** Side of the canvas that is shrunk to {@link SIZE}. */
const CANVAS = 2 * SIZE;
const MIN_SHAPE = CANVAS / 8;
const MAX_SHAPE = CANVAS / 2;

/** The shapes of the recipe. */
export const SHAPES = ["circle", "rectangle", "triangle"] as const;

/** The colours of the recipe. */
export const COLORS = {
  black: [0, 0, 0],
  gray: [128, 128, 128],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  teal: [0, 128, 128],
  brown: [165, 42, 42],
} as const satisfies Record<string, Rgb>;

const COLOR_NAMES = Object.keys(COLORS) as (keyof typeof COLORS)[];

/** A picture of the recipe. Lengths are canvas pixels; `x`, `y` is the upper left corner, of a triangle the lower left. */
interface Drawing {
  ground: Rgb;
  shape: typeof SHAPES[number];
  color: keyof typeof COLORS;
  x: number;
  y: number;
  width: number;
  height: number;
}

function drawScene(random: RandomStream): Scene<Drawing> {
  const between = (low: number, high: number) => low + random.int(high - low + 1);
  const shape = random.pick(SHAPES);
  const color = random.pick(COLOR_NAMES);
  const ground: Rgb = [between(230, 255), between(230, 255), between(230, 255)];
  const width = between(MIN_SHAPE, MAX_SHAPE);
  const height = shape === "rectangle" ? between(MIN_SHAPE, MAX_SHAPE) : width;
  // A triangle is kept one side away from every border, as the recipe does.
  const lowest = shape === "triangle" ? width : 0;
  const x = between(lowest, CANVAS - width);
  const y = between(lowest, CANVAS - height);
  const asked = (probability: number) => () => random.uniform() < probability;
  return {
    drawing: { ground, shape, color, x, y, width, height },
    questions: [
      ...openQuestions(shape, color).filter(asked(0.32)),
      ...yesNoQuestions(shape, color).filter(asked(0.08)),
    ],
  };
}

function openQuestions(shape: string, color: string): Omit<Question, "id">[] {
  const shapeQuestions = [
    "what shape is in the image?",
    "what shape is present?",
    "what shape does the image contain?",
    `what is the ${color} shape?`,
  ];
  const colorQuestions = [
    `what color is the ${shape}?`,
    `what is the color of the ${shape}?`,
    "what color is the shape?",
    "what is the color of the shape?",
  ];
  return [
    ...shapeQuestions.map((text) => ({ text, answer: shape, type: "shape" })),
    ...colorQuestions.map((text) => ({ text, answer: color, type: "color" })),
  ];
}

function yesNoQuestions(shape: string, color: string): Omit<Question, "id">[] {
  const things = [
    ...SHAPES.map((name) => ({
      thing: name as string,
      present: name === shape,
    })),
    ...COLOR_NAMES.map((name) => ({
      thing: `${name} shape`,
      present: name === color,
    })),
  ];
  return things.flatMap(({ thing, present }) => [
    ...[
      `is there a ${thing}?`,
      `is there a ${thing} in the image?`,
      `does the image contain a ${thing}?`,
      `is a ${thing} present?`,
    ].map((text) => ({ text, answer: present ? "yes" : "no", type: "yes/no" })),
    ...[
      `is there not a ${thing}?`,
      `is there not a ${thing} in the image?`,
      `does the image not contain a ${thing}?`,
      `is no ${thing} present?`,
    ].map((text) => ({ text, answer: present ? "no" : "yes", type: "yes/no" })),
  ]);
}

/** What a yes/no question of the recipe asks about, by its words. */
export function easyShapesPresence({ type, text }: Question): PresenceQuestion | null {
  if (type !== "yes/no") return null;
  return {
    about: SHAPES.some((shape) => text.includes(shape)) ? "shape" : "color",
    negated: /\b(not|no)\b/.test(text),
  };
}

/** Whether the canvas pixel (px, py) belongs to the shape; outlines are part of it. */
const COVERS: Record<
  Drawing["shape"],
  (drawing: Drawing, px: number, py: number) => boolean
> = {
  rectangle: () => true,
  circle: ({ x, y, width }, px, py) =>
    Math.hypot(px - x - width / 2, py - y - width / 2) <= (width + 1) / 2,
  triangle: ({ x, y, width }, px, py) => {
    // Equilateral, standing on its base. A pixel belongs to it when its middle is at most half a pixel outside.
    const fromMiddle = Math.abs(px - x - width / 2);
    const fromTop = py - y + width * Math.sqrt(3) / 2;
    return fromTop >= -0.5 &&
      fromMiddle * Math.sqrt(3) / 2 - fromTop / 2 <= 0.5;
  },
};

function paint(drawing: Drawing): Image {
  const { ground, shape, x, y, width, height } = drawing;
  const color = COLORS[drawing.color];
  const canvas = plainImage(CANVAS, CANVAS, ground);
  const top = shape === "triangle" ? y - height : y;
  const bottom = shape === "triangle" ? y : y + height;
  for (let py = top; py <= Math.min(bottom, CANVAS - 1); py++) {
    for (let px = x; px <= Math.min(x + width, CANVAS - 1); px++) {
      if (COVERS[shape](drawing, px, py)) setPixel(canvas, px, py, color);
    }
  }
  return resize(canvas, SIZE, SIZE);
}

const RECIPE: Recipe<Drawing> = {
  name: "easy-shapes",
  source: "procedural, the recipe of easy-VQA (Zhou 2019, https://github.com/vzhou842/easy-VQA)",
  images: { train: 4000, validation: 200, test: 1000 },
  draw: drawScene,
  paint,
};

/**
 * The data set `easy-shapes`; 4,000 / 200 / 1,000 pictures of 64 x 64 unless the options say otherwise, about 9.6
 * questions a picture. Question types: `shape`, `color`, `yes/no`.
 */
export function easyShapes(options: DatasetOptions): Dataset {
  return generate(RECIPE, options);
}
