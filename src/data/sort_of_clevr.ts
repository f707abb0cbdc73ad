/**
 * Sort-of-CLEVR: six objects of six colours, each a square or a circle, on 75 x 75; ten questions about one object and
 * ten about its relation to the others. The questions, one-hot vectors in the original, are English sentences here.
 *
 * Recipe: Santoro and others, "A simple neural network module for relational reasoning" (2017), arXiv 1706.01427;
 * sizes, colours and distances as in the public generator https://github.com/kimhc6028/relational-networks.
 * One difference: a question whose nearest or furthest objects tie and differ in shape has no one answer, so another
 * is asked instead.
 */
import type { Dataset, DatasetOptions, Image, Question } from "./dataset.ts";
import { plainImage, type Rgb, setPixel } from "./image.ts";
import { generate, type Recipe, type Scene } from "./procedural.ts";
import type { RandomStream } from "./random.ts";

const SIZE = 75;
/** Radius of a circle and half the side of a square, middle pixel excluded. */
const RADIUS = 5;
const QUESTIONS_OF_A_KIND = 10;

const COLORS: Record<string, Rgb> = {
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  orange: [255, 156, 0],
  gray: [128, 128, 128],
  yellow: [255, 255, 0],
};

/** One object; `x`, `y` is its middle, in pixels from the upper left. */
export interface SceneObject {
  color: string;
  shape: "square" | "circle";
  x: number;
  y: number;
}

/** A question type: its wording for a colour, and its answer, null where the scene allows more than one. */
interface QuestionType {
  text(color: string): string;
  answer(object: SceneObject, scene: SceneObject[]): string | null;
}

const yesNo = (value: boolean) => value ? "yes" : "no";
const squaredDistance = (a: SceneObject, b: SceneObject) => (a.x - b.x) ** 2 + (a.y - b.y) ** 2;

/** The shape of the other object with the least `score`. */
function shapeOfLeast(
  object: SceneObject,
  scene: SceneObject[],
  score: (other: SceneObject) => number,
) {
  const others = scene.filter((other) => other !== object);
  const least = Math.min(...others.map(score));
  const shapes = new Set(
    others.filter((other) => score(other) === least).map((other) => other.shape),
  );
  return shapes.size === 1 ? [...shapes][0] : null;
}

/** The question types by name; the part before the colon groups them in reports. */
export const QUESTION_TYPES: Record<string, QuestionType> = {
  "non-relational: shape": {
    text: (color) => `what is the shape of the ${color} object?`,
    answer: (object) => object.shape,
  },
  "non-relational: horizontal position": {
    text: (color) => `is the ${color} object on the left?`,
    answer: (object) => yesNo(object.x < SIZE / 2),
  },
  "non-relational: vertical position": {
    text: (color) => `is the ${color} object at the top?`,
    answer: (object) => yesNo(object.y < SIZE / 2),
  },
  "relational: closest": {
    text: (color) => `what is the shape of the object closest to the ${color} object?`,
    answer: (object, scene) =>
      shapeOfLeast(object, scene, (other) => squaredDistance(object, other)),
  },
  "relational: furthest": {
    text: (color) => `what is the shape of the object furthest from the ${color} object?`,
    answer: (object, scene) =>
      shapeOfLeast(object, scene, (other) => -squaredDistance(object, other)),
  },
  "relational: count": {
    text: (color) => `how many objects have the shape of the ${color} object?`,
    answer: (object, scene) => String(scene.filter((other) => other.shape === object.shape).length),
  },
};

function drawScene(random: RandomStream): Scene<SceneObject[]> {
  const drawing: SceneObject[] = [];
  for (const color of Object.keys(COLORS)) {
    const place = () => RADIUS + random.int(SIZE - 2 * RADIUS);
    let object: SceneObject;
    do {
      object = { color, shape: "square", x: place(), y: place() };
    } while (
      drawing.some((other) => squaredDistance(object, other) < (2 * RADIUS) ** 2)
    );
    object.shape = random.uniform() < 0.5 ? "square" : "circle";
    drawing.push(object);
  }
  return {
    drawing,
    questions: ["non-relational", "relational"].flatMap((kind) =>
      Array.from(
        { length: QUESTIONS_OF_A_KIND },
        () => ask(kind, drawing, random),
      )
    ),
  };
}

function ask(
  kind: string,
  scene: SceneObject[],
  random: RandomStream,
): Omit<Question, "id"> {
  const types = Object.keys(QUESTION_TYPES).filter((type) => type.startsWith(`${kind}:`));
  while (true) {
    const object = random.pick(scene);
    const type = random.pick(types);
    const answer = QUESTION_TYPES[type].answer(object, scene);
    if (answer !== null) {
      return { text: QUESTION_TYPES[type].text(object.color), answer, type };
    }
  }
}

function paint(scene: SceneObject[]): Image {
  const image = plainImage(SIZE, SIZE, [255, 255, 255]);
  for (const { color, shape, x, y } of scene) {
    for (let dy = -RADIUS; dy <= RADIUS; dy++) {
      for (let dx = -RADIUS; dx <= RADIUS; dx++) {
        if (shape === "square" || Math.hypot(dx, dy) <= RADIUS + 0.5) {
          setPixel(image, x + dx, y + dy, COLORS[color]);
        }
      }
    }
  }
  return image;
}

const RECIPE: Recipe<SceneObject[]> = {
  name: "sort-of-clevr",
  source:
    "procedural, the recipe of Sort-of-CLEVR (Santoro and others 2017, arXiv 1706.01427), as sentences",
  images: { train: 9800, validation: 200, test: 200 },
  draw: drawScene,
  paint,
};

/**
 * The data set `sort-of-clevr`; 9,800 / 200 / 200 pictures of 75 x 75 unless the options say otherwise, 20 questions
 * a picture. Question types: see {@link QUESTION_TYPES}.
 */
export function sortOfClevr(options: DatasetOptions): Dataset {
  return generate(RECIPE, options);
}
