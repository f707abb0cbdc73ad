/**
 * Batches of pictures with their captions. What a step sees depends on the seed and the step alone,
 * so a training that is gone on with sees what it would have seen.
 */
import type { Image } from "../data/dataset.ts";
import { easyShapes } from "../data/easy_shapes.ts";
import { resize } from "../data/image.ts";
import { type RandomStream, stream } from "../data/random.ts";
import { sha256 } from "../data/sha256.ts";
import { sortOfClevr } from "../data/sort_of_clevr.ts";
import { drawCaption, drawPictureScene, NAMES } from "./captions.ts";
import { drawFamily, type FamilyAttribute, SMALLEST_FAMILY } from "./families.ts";
import { PIXELS } from "./models.ts";
import { drawLook, paintScene } from "./paint.ts";
import { COLOR_NAMES, drawScene, MOST_OBJECTS, type Scene, SHAPES } from "./scene.ts";
import { type Attribute, drawSiblings, SIBLINGS } from "./siblings.ts";

/** Pictures and what is said of each. */
export interface PictureBatch {
  images: Image[];
  captions: string[];
}

/** Sizes of a batch. */
export interface PictureLayout {
  /** Pictures of a batch. */
  batch: number;
  /** Groups of hard siblings among them, four pictures each. */
  siblingGroups: number;
  /** Side of a picture, pixels. */
  side: number;
}

/** Digests of pictures that are never trained on. */
export type ExcludedPictures = ReadonlySet<string>;

/**
 * Digests of the pictures that the project's own data sets of this world choose and test by, at the
 * tower's size.
 */
export function evaluationPictures(side: number): Promise<ExcludedPictures> {
  return known.getOrInsertComputed(side, digestsAt);
}

/** By side: drawing them takes a second. */
const known = new Map<number, Promise<ExcludedPictures>>();

async function digestsAt(side: number): Promise<ExcludedPictures> {
  const digests = new Set<string>();
  for (const make of [sortOfClevr, easyShapes]) {
    const { validation, test } = make({ seed: 0, trainImages: 0 });
    for (const example of [...validation, ...test]) {
      digests.add(pictureDigest(resize(await example.image(), side, side)));
    }
  }
  return digests;
}

/** SHA-256 of a picture's pixels. */
export function pictureDigest({ data }: Image): string {
  return sha256(data);
}

/** Draws scenes with a caption each, to be seen in one look. */
type DrawGroup = (random: RandomStream) => { scenes: Scene[]; captions: string[] };

/** One scene of the world, of no more than `most` objects. */
const drawSingle = (most: number): DrawGroup => (random) => {
  const scene = drawPictureScene(random, most);
  return { scenes: [scene], captions: [drawCaption(scene, random)] };
};

/** Steps that see single objects. */
export const SINGLE_OBJECTS = 1600;

/** Steps from one more object to the next behind them. */
const NEXT_OBJECT = 400;

/** The curriculum: most objects of a picture. */
export function mostObjects(step: number): number {
  const more = Math.floor((step - SINGLE_OBJECTS) / NEXT_OBJECT);
  return step < SINGLE_OBJECTS ? 1 : Math.min(MOST_OBJECTS, SMALLEST_FAMILY + more);
}

/**
 * Paints a group, drawn anew as long as one of its pictures is excluded.
 *
 * @param draw Draws scenes and captions; two calls must be able to differ.
 */
export function paintGroup(
  draw: DrawGroup,
  side: number,
  excluded: ExcludedPictures,
  random: RandomStream,
): PictureBatch {
  while (true) {
    const { scenes, captions } = draw(random);
    const look = drawLook(random, scenes);
    const images = scenes.map((scene) => paintScene(scene, look, side));
    if (!images.some((image) => excluded.has(pictureDigest(image)))) return { images, captions };
  }
}

/**
 * What sibling groups differ in, by turns. Every other time it is the shape: colours are told apart
 * within a few hundred steps, and shapes last.
 */
const TURNS: readonly Attribute[] = ["shape", "place", "shape", "size", "shape", "color"];

/**
 * The batch of a step.
 *
 * First pictures show single objects. All captions of a batch tell the same of them and no two are alike, so
 * that nothing but what they tell makes the difference. Behind them such batches alternate with
 * families and with batches of sibling groups and captions of all kinds.
 *
 * @throws {RangeError} If the sibling groups are more than the batch holds, or the batch is larger
 * than there are names of a colour and a shape.
 */
export function pictureBatch(
  layout: PictureLayout,
  seed: number,
  step: number,
  excluded: ExcludedPictures,
): PictureBatch {
  const { batch, siblingGroups, side } = layout;
  const names = COLOR_NAMES.length * SHAPES.length;
  if (batch < SIBLINGS * siblingGroups) {
    throw new RangeError(
      `Cannot draw ${batch} pictures: ${siblingGroups} sibling groups have more`,
    );
  }
  if (batch > names) {
    throw new RangeError(
      `Cannot draw ${batch} pictures: colours and shapes have ${names} names`,
    );
  }
  const random = stream(seed, `pictures/${step}`);
  const most = mostObjects(step);
  const kind = most === 1 ? "names" : KINDS[step % KINDS.length];
  const painted = BATCHES[kind](layout, step, most, random)
    .map((draw) => paintGroup(draw, side, excluded, random));
  return {
    images: painted.flatMap(({ images }) => images),
    captions: painted.flatMap(({ captions }) => captions),
  };
}

/** What draws the groups of a batch. */
type DrawBatch = (
  layout: PictureLayout,
  step: number,
  most: number,
  random: RandomStream,
) => DrawGroup[];

/** Kinds of batches. */
const BATCHES = {
  names: sameNames,
  siblings: siblingsAndOthers,
  shapes: ofFamily("shape"),
  sizes: ofFamily("size and shape"),
  places: ofFamily("place"),
  colors: ofFamily("color"),
} satisfies Record<string, DrawBatch>;

/** Kinds of batches behind the single objects, by turns: shapes are learnt last, and come most often. */
const KINDS: readonly (keyof typeof BATCHES)[] = [
  "shapes",
  "names",
  "places",
  "siblings",
  "sizes",
  "names",
  "shapes",
  "siblings",
  "colors",
];

/** Steps that tell colours and shapes alone. */
const SHAPES_FIRST = 900;

/** What captions of single objects tell behind them, by turns. */
const TOLD: readonly (keyof typeof NAMES)[] = [
  "color, shape",
  "size, color, shape",
  "shape, place",
  "color, shape",
  "color, place",
  "size, color, shape, place",
  "color, shape",
  "size, place",
];

/** Single objects under names of one kind, no two alike. */
function sameNames({ batch }: PictureLayout, step: number): DrawGroup[] {
  // One more a round, or a kind would meet the same turns again and again.
  const turn = step + Math.floor(step / KINDS.length);
  const name = NAMES[step < SHAPES_FIRST ? "color, shape" : TOLD[turn % TOLD.length]];
  const told = new Set<string>();
  return Array<DrawGroup>(batch).fill((random) => {
    while (true) {
      const scene = drawScene(random, 1);
      const caption = `${name(scene[0])}.`;
      if (told.has(caption)) continue;
      told.add(caption);
      return { scenes: [scene], captions: [caption] };
    }
  });
}

function ofFamily(attribute: FamilyAttribute): DrawBatch {
  return ({ batch }, _, most, random) => {
    const objects = SMALLEST_FAMILY + random.int(most - SMALLEST_FAMILY + 1);
    return Array<DrawGroup>(batch).fill(drawFamily(attribute, objects));
  };
}

function siblingsAndOthers(
  { batch, siblingGroups }: PictureLayout,
  step: number,
  most: number,
): DrawGroup[] {
  const siblings = Array.from({ length: siblingGroups }, (_, i): DrawGroup => {
    const attribute = TURNS[(step + i) % TURNS.length];
    return (random) => drawSiblings(random, attribute, most);
  });
  const others = batch - SIBLINGS * siblingGroups;
  return [...siblings, ...Array<DrawGroup>(others).fill(drawSingle(most))];
}

/** Pictures of one size as the tower reads them: (pictures, 3, side, side), normalised. */
export function pixelValues(images: readonly Image[]): Float32Array {
  const { width, height } = images[0];
  const pixels = width * height;
  const values = new Float32Array(images.length * 3 * pixels);
  const normalised = Float32Array.from(
    { length: 256 },
    (_, value) => (value / 255 - PIXELS.mean) / PIXELS.deviation,
  );
  images.forEach(({ data }, i) => {
    for (let channel = 0; channel < 3; channel++) {
      const plane = (3 * i + channel) * pixels;
      for (let at = 0; at < pixels; at++) {
        values[plane + at] = normalised[data[3 * at + channel]];
      }
    }
  });
  return values;
}
