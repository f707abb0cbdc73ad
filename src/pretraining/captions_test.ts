/** Captions say what is true, in words of the tokenizer, and fit the text tower. */
import assert from "node:assert/strict";
import { stream } from "../data/random.ts";
import {
  captionLength,
  CAPTIONS,
  drawCaption,
  drawPictureScene,
  fullCaption,
  LONGEST_CAPTION,
} from "./captions.ts";
import { placeWords } from "./questions.ts";
import { drawScene, type Scene, sizeOf } from "./scene.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

Deno.test("captions of all kinds are drawn, short enough, in the tokenizer's own words", () => {
  const random = stream(1, "captions");
  const tokenizer = pretrainingTokenizer();
  const firstWord = tokenizer.tokens.findIndex((token) => token.startsWith(" "));
  const openings = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const caption = drawCaption(drawPictureScene(random), random);
    const ids = tokenizer.encode(caption);
    openings.add(caption.split(" ")[0]);
    assert.ok(ids.every((id) => id >= firstWord), `"${caption}" has a word of bytes`);
    assert.equal(ids.length, captionLength(caption));
    assert.ok(ids.length <= LONGEST_CAPTION, caption);
  }
  for (const opening of ["a", "the", "there", "2"]) assert.ok(openings.has(opening), opening);
});

const scene: Scene = [
  { shape: "circle", color: "red", x: 0.2, y: 0.2, radius: 0.07, aspect: 1 },
  { shape: "square", color: "blue", x: 0.8, y: 0.25, radius: 0.12, aspect: 1 },
  { shape: "circle", color: "blue", x: 0.5, y: 0.9, radius: 0.08, aspect: 1 },
];

/** All captions of a kind that a few hundred draws give. */
function drawn(kind: string, of = scene): string[] {
  const random = stream(2, kind);
  return [...new Set(Array.from({ length: 300 }, () => CAPTIONS[kind](of, random)))]
    .filter((caption) => caption !== null).sort();
}

Deno.test("counts, relations, sizes and sides are those of the scene", () => {
  assert.deepEqual(drawn("count of shapes"), [
    "1 square and 2 circles.",
    "2 circles and 1 square.",
    "there are 1 square and 2 circles.",
    "there are 2 circles and 1 square.",
  ]);
  assert.ok(drawn("count of colors").includes("1 red object and 2 blue objects."));
  // 0.05 is too little to call the red circle above the blue square.
  assert.deepEqual(drawn("relation").filter((caption) => !caption.includes("blue circle")), [
    "the blue square is right of the red circle.",
    "the red circle is left of the blue square.",
  ]);
  assert.ok(
    drawn("relation").includes("the blue circle is right of and below the red circle."),
  );
  assert.deepEqual(drawn("size"), [
    "the blue circle is small.",
    "the blue square is medium.",
    "the red circle is small.",
  ]);
  assert.deepEqual(drawn("side").filter((caption) => caption.includes("blue circle")), [
    "the blue circle is at the bottom.",
  ]);
});

Deno.test("an object that another one is called like has no caption by name", () => {
  const twins: Scene = [scene[0], { ...scene[0], x: 0.7 }];
  for (const kind of ["relation", "size", "side"]) assert.deepEqual(drawn(kind, twins), []);
});

Deno.test("what is named of an object is true of one in the scene", () => {
  const random = stream(3, "captions");
  for (let i = 0; i < 500; i++) {
    const drawn = drawPictureScene(random);
    const caption = CAPTIONS.description(drawn, random)!;
    for (const sentence of caption.replaceAll("there is ", "").split(".").slice(0, -1)) {
      const words = sentence.trim().split(" ");
      const holds = drawn.some((object) => {
        const said = new Set([object.color, object.shape, sizeOf(object), "a", "an", "at"]);
        for (const word of placeWords(object).split(" ")) said.add(word);
        return words.every((word) => said.has(word));
      });
      assert.ok(holds, `"${sentence}" of ${JSON.stringify(drawn)}`);
    }
  }
});

Deno.test("a full caption of four objects says all and fits", () => {
  const four = drawScene(stream(4, "scene"), 4);
  const caption = fullCaption(four);
  assert.equal(caption.split(".").length, sentences(four));
  assert.ok(captionLength(caption) <= LONGEST_CAPTION);
  for (const object of four) assert.ok(caption.includes(`${object.color} ${object.shape}`));
});

/** One more than the objects: behind the last full stop is an empty rest. */
const sentences = (scene: Scene) => scene.length + 1;
