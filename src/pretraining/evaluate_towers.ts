/** What a pair of towers can do without further training, on pictures that no training step draws. */
import type { Image } from "../data/dataset.ts";
import { type RandomStream, stream } from "../data/random.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { fullCaption } from "./captions.ts";
import { drawLook, paintScene, PLAIN_LOOK } from "./paint.ts";
import { drawProbeScene, probe, probedObjects, type ProbeFigures } from "./probe.ts";
import { withArticle } from "./questions.ts";
import { classify, groupAccuracy, type Recall, recall } from "./retrieval.ts";
import { COLOR_NAMES, drawObject, drawScene, type Scene, SHAPES, SIZES } from "./scene.ts";
import { type Attribute, drawSiblings, SIBLING_ATTRIBUTES, SIBLINGS } from "./siblings.ts";

/** The towers as functions. */
export interface Towers {
  /** Side of a picture, pixels; patches along it. */
  side: number;
  patches: number;
  /** Features of unit length, a row a picture. */
  images(images: Image[]): Promise<MatrixValues>;
  /** Features of unit length, a row a caption. */
  texts(captions: string[]): Promise<MatrixValues>;
  /**
   * Hidden states 0 to the last, which a projector can read one of: (pictures * (1 + patches^2), d)
   * each, class token first.
   */
  states(images: Image[]): Promise<MatrixValues[]>;
}

/** How many pictures each figure is made from. */
export interface TowerTests {
  retrieval: number;
  /** Groups of four for each attribute. */
  siblingGroups: number;
  /** Pictures of each of the colours in each of the shapes. */
  zeroShot: number;
  probe: number;
}

/** The sizes of the committed figures. */
const TOWER_TESTS: TowerTests = {
  retrieval: 256,
  siblingGroups: 64,
  zeroShot: 3,
  probe: 400,
};

/** Shares between 0 and 1. */
export interface TowerFigures {
  /** Scenes of one to four objects with full captions, each among all. */
  retrieval: { pictures: number; imageToText: Recall; textToImage: Recall };
  /** The right one of four that differ in one attribute: chance is 0.25. */
  siblings: Record<Attribute, { groups: number; imageToText: number; textToImage: number }>;
  /** One object, classed by the captions "a COLOR SHAPE." of all colours and shapes. */
  zeroShot: { pictures: number; classes: number; both: number; shape: number; color: number };
  /** Ridge regression from the patch states of each hidden layer; a quarter of the pictures is tested. */
  probe: ProbeFigures[];
}

/** Tests towers on pictures of the held-out streams of a seed. */
export async function evaluateTowers(
  towers: Towers,
  seed: number,
  tests: TowerTests = TOWER_TESTS,
): Promise<TowerFigures> {
  const random = (name: string) => stream(seed, `held-out pictures/${name}`);
  const siblings = {} as TowerFigures["siblings"];
  for (const attribute of SIBLING_ATTRIBUTES) {
    siblings[attribute] = await testSiblings(
      towers,
      attribute,
      tests.siblingGroups,
      random(`siblings/${attribute}`),
    );
  }
  return {
    retrieval: await testRetrieval(towers, tests.retrieval, random("retrieval")),
    siblings,
    zeroShot: await testZeroShot(towers, tests.zeroShot, random("zero-shot")),
    probe: await testProbe(towers, tests.probe, random("probe")),
  };
}

function paintAll(scenes: Scene[], { side }: Towers, random: RandomStream): Image[] {
  return scenes.map((scene) => paintScene(scene, drawLook(random, [scene]), side));
}

async function testRetrieval(
  towers: Towers,
  pictures: number,
  random: RandomStream,
): Promise<TowerFigures["retrieval"]> {
  const scenes = new Map<string, Scene>();
  while (scenes.size < pictures) {
    const scene = drawScene(random, 1 + random.int(4));
    scenes.set(fullCaption(scene), scene);
  }
  const images = await towers.images(paintAll([...scenes.values()], towers, random));
  const texts = await towers.texts([...scenes.keys()]);
  return { pictures, imageToText: recall(images, texts), textToImage: recall(texts, images) };
}

async function testSiblings(
  towers: Towers,
  attribute: Attribute,
  groups: number,
  random: RandomStream,
): Promise<TowerFigures["siblings"][Attribute]> {
  const drawn = Array.from({ length: groups }, () => {
    const { scenes, captions } = drawSiblings(random, attribute);
    const look = drawLook(random, scenes);
    return { images: scenes.map((scene) => paintScene(scene, look, towers.side)), captions };
  });
  const images = await towers.images(drawn.flatMap(({ images }) => images));
  const texts = await towers.texts(drawn.flatMap(({ captions }) => captions));
  return {
    groups,
    imageToText: groupAccuracy(images, texts, SIBLINGS),
    textToImage: groupAccuracy(texts, images, SIBLINGS),
  };
}

async function testZeroShot(
  towers: Towers,
  each: number,
  random: RandomStream,
): Promise<TowerFigures["zeroShot"]> {
  const classes = COLOR_NAMES.flatMap((color) => SHAPES.map((shape) => ({ color, shape })));
  const scenes = classes.flatMap(({ color, shape }) =>
    Array.from({ length: each }, (): Scene => [drawObject(random, color, SIZES.large, [shape])])
  );
  const texts = await towers.texts(
    classes.map(({ color, shape }) => `${withArticle(`${color} ${shape}`)}.`),
  );
  const found = classify(await towers.images(paintAll(scenes, towers, random)), texts);
  const share = (right: (found: typeof classes[number], own: typeof classes[number]) => boolean) =>
    found.filter((at, i) => right(classes[at], classes[Math.floor(i / each)])).length /
    found.length;
  return {
    pictures: scenes.length,
    classes: classes.length,
    both: share((found, own) => found === own),
    shape: share((found, own) => found.shape === own.shape),
    color: share((found, own) => found.color === own.color),
  };
}

async function testProbe(
  towers: Towers,
  pictures: number,
  random: RandomStream,
): Promise<ProbeFigures[]> {
  const scenes = Array.from({ length: pictures }, () => drawProbeScene(random));
  const images = scenes.map((scene) => paintScene(scene, PLAIN_LOOK, towers.side));
  const tokens = 1 + towers.patches ** 2;
  const fitted = Math.ceil(0.75 * pictures);
  return (await towers.states(images)).map((states) => {
    const objectsOf = (from: number, to: number) => {
      const [start, end] = [from, to].map((picture) => picture * tokens * states.columns);
      const part = {
        ...states,
        rows: (to - from) * tokens,
        data: states.data.subarray(start, end),
      };
      return probedObjects(scenes.slice(from, to), part, towers.patches);
    };
    return probe(objectsOf(0, fitted), objectsOf(fitted, pictures));
  });
}
