/** Batches are fixed by seed and step, and never hold a picture that the data sets test by. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import { sortOfClevr } from "../data/sort_of_clevr.ts";
import { captionLength } from "./captions.ts";
import {
  evaluationPictures,
  mostObjects,
  paintGroup,
  pictureBatch,
  pictureDigest,
  pixelValues,
  SINGLE_OBJECTS,
} from "./pictures.ts";
import { COLOR_NAMES, drawScene, MOST_OBJECTS, SHAPES } from "./scene.ts";

const LAYOUT = { batch: 24, siblingGroups: 4, side: 75 };
/** A step behind the curriculum whose batch has siblings and captions of all kinds. */
const LATE = 1_000_002;
const NONE: ReadonlySet<string> = new Set();

Deno.test("a batch depends on its seed and step alone", () => {
  const batch = pictureBatch(LAYOUT, 1, LATE, NONE);
  assert.equal(batch.images.length, 24);
  assert.equal(batch.captions.length, 24);
  assert.deepEqual(pictureBatch(LAYOUT, 1, LATE, NONE), batch);
  assert.notDeepEqual(pictureBatch(LAYOUT, 1, LATE + 1, NONE).captions, batch.captions);
  assert.notDeepEqual(pictureBatch(LAYOUT, 2, LATE, NONE).captions, batch.captions);
  // Siblings are different pictures, too.
  assert.equal(new Set(batch.images.map(pictureDigest)).size, 24);
});

Deno.test("pictures begin with one object and end with as many as there are", () => {
  assert.equal(mostObjects(0), 1);
  assert.equal(mostObjects(1e9), MOST_OBJECTS);
  const seen = new Set(Array.from({ length: 6000 }, (_, step) => mostObjects(step)));
  assert.deepEqual([...seen], [1, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([mostObjects(SINGLE_OBJECTS - 1), mostObjects(SINGLE_OBJECTS)], [1, 3]);
});

Deno.test("while objects stand alone, captions of a batch tell the same and no two are alike", () => {
  const words = new RegExp(`^an? (${COLOR_NAMES.join("|")}) (${SHAPES.join("|")})\\.$`);
  const first = pictureBatch(LAYOUT, 1, 0, NONE);
  for (const caption of first.captions) assert.match(caption, words);
  const lengths = new Set<number>();
  for (let step = 0; mostObjects(step) === 1; step += 50) {
    const { captions } = pictureBatch({ ...LAYOUT, side: 15 }, 1, step, NONE);
    assert.equal(new Set(captions).size, captions.length);
    const [length, ...others] = new Set(captions.map(captionLength));
    assert.deepEqual(others, []);
    lengths.add(length);
  }
  assert.ok(lengths.size > 2, [...lengths].join());
});

Deno.test("a batch holds no fewer pictures than its siblings, and no more than there are names", () => {
  assert.throws(() => pictureBatch({ ...LAYOUT, siblingGroups: 7 }, 1, 0, NONE), {
    name: "RangeError",
    message: "Cannot draw 24 pictures: 7 sibling groups have more",
  });
  assert.throws(() => pictureBatch({ ...LAYOUT, batch: 85 }, 1, 0, NONE), {
    name: "RangeError",
    message: "Cannot draw 85 pictures: colours and shapes have 84 names",
  });
});

Deno.test("a planted picture is refused, with its whole group", () => {
  const planted = pictureBatch(LAYOUT, 1, LATE, NONE);
  for (const at of [2, 20]) {
    const digest = pictureDigest(planted.images[at]);
    const { images, captions } = pictureBatch(LAYOUT, 1, LATE, new Set([digest]));
    assert.equal(images.length, 24);
    assert.ok(!images.map(pictureDigest).includes(digest));
    const group = at < 16 ? [0, 1, 2, 3] : [at];
    for (const i of group) assert.notDeepEqual(images[i], planted.images[i]);
    assert.notDeepEqual(group.map((i) => captions[i]), group.map((i) => planted.captions[i]));
    // What was drawn before is what it was.
    assert.deepEqual(images.slice(0, group[0]), planted.images.slice(0, group[0]));
  }
});

Deno.test("the data sets' test pictures are known at the tower's size", async () => {
  const excluded = await evaluationPictures(75);
  // 200 pictures to choose by each; 200 and 1,000 to test by.
  assert.equal(excluded.size, 1600);
  const { test, train } = sortOfClevr({
    seed: 0,
    trainImages: 1,
    validationImages: 0,
    testImages: 3,
  });
  for (const example of test) assert.ok(excluded.has(pictureDigest(await example.image())));
  assert.ok(!excluded.has(pictureDigest(await train[0].image())));
});

Deno.test("a group is drawn until none of its pictures is excluded", () => {
  const random = stream(1, "group");
  let draws = 0;
  const first = drawScene(stream(2, "scene"), 2), second = drawScene(stream(3, "scene"), 2);
  const draw = () => ({ scenes: [draws++ < 5 ? first : second], captions: [`${draws}`] });
  const all = new Set<string>();
  // Whatever look it gets, the first scene is excluded as long as the set says so of all pictures.
  const excluded = { has: (digest: string) => (all.add(digest), draws <= 5) };
  const { captions } = paintGroup(draw, 20, excluded as unknown as Set<string>, random);
  assert.deepEqual(captions, ["6"]);
  assert.equal(all.size, 6);
});

Deno.test("pixels are normalised, a plane a channel", () => {
  const data = Uint8Array.from([0, 255, 51, 255, 0, 204]);
  const image = { width: 2, height: 1, data };
  const rounded = (value: number) => Math.round(value * 1e6) / 1e6;
  const normalised = (share: number) => rounded((share - 0.9) / 0.3);
  assert.deepEqual(
    [...pixelValues([image, image])].map(rounded),
    [0, 1, 1, 0, 0.2, 0.8, 0, 1, 1, 0, 0.2, 0.8].map(normalised),
  );
});
