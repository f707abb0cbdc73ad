/**
 * Batches of pictures with their captions. What a step sees depends on the seed and the step alone,
 * so a training that is gone on with sees what it would have seen.
 */
import { sha256 } from "../data/content_hash.ts";
import type { Image } from "../data/dataset.ts";
import { easyShapes } from "../data/easy_shapes.ts";
import { resize } from "../data/image.ts";
import { type RandomStream, stream } from "../data/random.ts";
import { sortOfClevr } from "../data/sort_of_clevr.ts";
import { drawCaption, drawPictureScene } from "./captions.ts";
import { PIXELS } from "./models.ts";
import { drawLook, paintScene } from "./paint.ts";
import { MOST_OBJECTS, type Scene } from "./scene.ts";
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

/**
 * The curriculum: most objects of a picture. One for the first 1,150 steps, one more every 250 steps
 * from then on.
 */
export function mostObjects(step: number): number {
  return Math.min(MOST_OBJECTS, 1 + Math.max(0, Math.floor((step - 900) / 250)));
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
 * The batch of a step: sibling groups first, by turns in each attribute, then single pictures.
 *
 * @throws {RangeError} If the sibling groups are more than the batch holds.
 */
export function pictureBatch(
  { batch, siblingGroups, side }: PictureLayout,
  seed: number,
  step: number,
  excluded: ExcludedPictures,
): PictureBatch {
  const singles = batch - SIBLINGS * siblingGroups;
  if (singles < 0) {
    throw new RangeError(
      `Cannot draw ${batch} pictures: ${siblingGroups} sibling groups have more`,
    );
  }
  const random = stream(seed, `pictures/${step}`);
  const most = mostObjects(step);
  const groups = Array.from({ length: siblingGroups }, (_, i): DrawGroup => {
    const attribute = TURNS[(step + i) % TURNS.length];
    return (random) => drawSiblings(random, attribute, most);
  });
  const painted = [...groups, ...Array<DrawGroup>(singles).fill(drawSingle(most))]
    .map((draw) => paintGroup(draw, side, excluded, random));
  return {
    images: painted.flatMap(({ images }) => images),
    captions: painted.flatMap(({ captions }) => captions),
  };
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
