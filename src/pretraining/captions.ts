/**
 * Captions of scenes: what the text tower reads. Each says something true of its scene, from one
 * word about one object to the whole scene.
 */
import type { RandomStream } from "../data/random.ts";
import { describeScene, phrase } from "./description.ts";
import { placeWords, plural, withArticle } from "./questions.ts";
import { drawScene, MOST_OBJECTS, type Scene, type SceneObject, sizeOf } from "./scene.ts";

/** Most words and punctuation marks of a caption; with its first and last mark it fills 36 tokens. */
export const LONGEST_CAPTION = 34;

/** Ways to name an object, with its article. */
export const NAMES = {
  "color, shape, place": (object) => phrase(object, false),
  "size, color, shape, place": (object) => phrase(object, true),
  "color, shape": ({ color, shape }) => withArticle(`${color} ${shape}`),
  "size, color, shape": (object) =>
    withArticle(`${sizeOf(object)} ${object.color} ${object.shape}`),
  "shape, place": (object) => `${withArticle(object.shape)} at ${placeWords(object)}`,
  "color, place": (object) => `${withArticle(`${object.color} object`)} at ${placeWords(object)}`,
  "size, place": (object) => `${withArticle(`${sizeOf(object)} object`)} at ${placeWords(object)}`,
} satisfies Record<string, (object: SceneObject) => string>;

/** A caption of a kind, or null where the scene has none. */
type Tell = (scene: Scene, random: RandomStream) => string | null;

/** The name with colour and shape where no other object bears it. */
function ownName(object: SceneObject, scene: Scene): string | null {
  const { color, shape } = object;
  const same = scene.filter((other) => other.color === color && other.shape === shape);
  return same.length === 1 ? `the ${color} ${shape}` : null;
}

/** Least difference of two coordinates that a caption speaks of. */
const CLEAR = 0.08;

/** What holds between two objects. */
const RELATIONS: Record<string, (a: SceneObject, b: SceneObject) => number> = {
  "left of": (a, b) => b.x - a.x,
  "right of": (a, b) => a.x - b.x,
  above: (a, b) => b.y - a.y,
  below: (a, b) => a.y - b.y,
};

const SIDES: Record<string, (object: SceneObject) => number> = {
  "on the left": ({ x }) => 0.5 - x,
  "on the right": ({ x }) => x - 0.5,
  "at the top": ({ y }) => 0.5 - y,
  "at the bottom": ({ y }) => y - 0.5,
};

function inOneWord(word: (object: SceneObject, random: RandomStream) => string | null): Tell {
  return (scene, random) => {
    const object = random.pick(scene);
    const name = ownName(object, scene), said = name && word(object, random);
    return said && `${name} is ${said}.`;
  };
}

function counts(of: (object: SceneObject) => [one: string, many: string]): Tell {
  return (scene, random) => {
    const groups = Map.groupBy(scene, (object) => of(object)[0]);
    const opening = random.uniform() < 0.5 ? (groups.size > 1 || scene.length > 1) : false;
    const list = random.shuffle([...groups.values()]).map((same) =>
      `${same.length} ${of(same[0])[same.length === 1 ? 0 : 1]}`
    );
    return `${opening ? "there are " : ""}${list.join(" and ")}.`;
  };
}

/** Kinds of captions by name. */
export const CAPTIONS: Record<string, Tell> = {
  description: (scene, random) => {
    const objects = 1 + random.int(Math.min(4, scene.length));
    return describeScene(random.shuffle(scene).slice(0, objects), random);
  },
  object: (scene, random) => {
    const name = random.pick(Object.values(NAMES))(random.pick(scene));
    const opening = random.pick(["", "there is ", "a photo of ", "an image of "]);
    return `${opening}${name}.`;
  },
  "count of shapes": counts(({ shape }) => [shape, plural(shape)]),
  "count of colors": counts(({ color }) => [`${color} object`, `${color} objects`]),
  relation: (scene, random) => {
    if (scene.length < 2) return null;
    const [a, b] = random.shuffle(scene);
    const names = [a, b].map((object) => ownName(object, scene));
    const holds = Object.keys(RELATIONS).filter((word) => RELATIONS[word](a, b) > CLEAR);
    if (names.includes(null) || holds.length === 0) return null;
    // Where both axes tell, so do both words in half of the captions.
    const said = random.uniform() < 0.5 ? holds : [random.pick(holds)];
    return `${names[0]} is ${said.join(" and ")} ${names[1]}.`;
  },
  size: inOneWord(sizeOf),
  side: inOneWord((object, random) => {
    const holds = Object.keys(SIDES).filter((word) => SIDES[word](object) > CLEAR);
    return holds.length === 0 ? null : random.pick(holds);
  }),
};

/** How often each kind is drawn. */
const WEIGHTS: Record<string, number> = { description: 8, object: 4, relation: 2 };

const DRAWN = Object.keys(CAPTIONS)
  .flatMap((kind) => Array.from({ length: WEIGHTS[kind] ?? 1 }, () => kind));

/** Words and punctuation marks of a caption. */
export function captionLength(caption: string): number {
  return caption.match(/\w+|[^\w\s]/g)?.length ?? 0;
}

/** Draws a caption of a scene that has at least one object. */
export function drawCaption(scene: Scene, random: RandomStream): string {
  while (true) {
    const caption = CAPTIONS[random.pick(DRAWN)](scene, random);
    if (caption && captionLength(caption) <= LONGEST_CAPTION) return caption;
  }
}

/** All that can be said of a scene of up to four objects, in their order. */
export function fullCaption(scene: Scene): string {
  return scene.map((object) => `${phrase(object, true)}.`).join(" ");
}

/** Numbers of objects of a scene; one object is large enough only where it is alone. */
const OBJECTS = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8];

/** Draws a scene of the world with its usual numbers of objects, but no more than `most`. */
export function drawPictureScene(random: RandomStream, most = MOST_OBJECTS): Scene {
  return drawScene(random, random.pick(OBJECTS.filter((objects) => objects <= most)));
}
