import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { PNG } from "pngjs";
import { inTempFolder } from "../testing/temp_folder.ts";
import { easyVqa } from "./easy_vqa.ts";

function png(grey: number): Uint8Array {
  const picture = new PNG({ width: 4, height: 4 });
  picture.data = Buffer.alloc(64, Uint8Array.of(grey, grey, grey, 255));
  return PNG.sync.write(picture);
}

/** Writes a small easy-VQA folder, lets `change` spoil it, and hands it to `use`. */
async function withFolder(
  use: (dir: string) => Promise<void>,
  change: (data: string) => Promise<unknown> = () => Promise.resolve(),
) {
  await inTempFolder(async (dir) => {
    for (const [split, pictures] of [["train", 40], ["test", 3]] as const) {
      await Deno.mkdir(join(dir, "data", split, "images"), { recursive: true });
      const questions = [];
      // Pictures out of order, as nothing in the format forbids.
      for (let id = pictures - 1; id >= 0; id--) {
        await Deno.writeFile(
          join(dir, "data", split, "images", `${id}.png`),
          png(id),
        );
        questions.push(["what shape is present?", "circle", id], [
          "is there a red shape?",
          "no",
          id,
        ]);
        if (id % 2) questions.push(["what color is the shape?", "teal", id]);
      }
      await Deno.writeTextFile(
        join(dir, "data", split, "questions.json"),
        JSON.stringify(questions),
      );
    }
    await change(join(dir, "data"));
    await use(dir);
  });
}

Deno.test("the official folder is read, the last twentieth of train held out", async () => {
  await withFolder(async (dir) => {
    const dataset = await easyVqa({ dir, seed: 0 });
    assert.deepEqual(
      dataset.train.map(({ id }) => id),
      Array.from({ length: 38 }, (_, id) => `train/${id}`),
    );
    assert.deepEqual(dataset.validation.map(({ id }) => id), [
      "train/38",
      "train/39",
    ]);
    assert.deepEqual(dataset.test.map(({ id }) => id), [
      "test/0",
      "test/1",
      "test/2",
    ]);
    assert.equal((await dataset.validation[1].image()).data[0], 39);
    assert.deepEqual(
      dataset.test[1].questions.map((
        { text, answer, type },
      ) => [text, answer, type]),
      [
        ["what shape is present?", "circle", "shape"],
        ["is there a red shape?", "no", "yes/no"],
        ["what color is the shape?", "teal", "color"],
      ],
    );
    const ids = [...dataset.train, ...dataset.validation, ...dataset.test]
      .flatMap((e) => e.questions.map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length);
  });
});

Deno.test("the folder `data` itself will do, and counts are honoured", async () => {
  await withFolder(async (dir) => {
    const whole = await easyVqa({ dir, seed: 0 });
    assert.equal(
      (await easyVqa({ dir: join(dir, "data"), seed: 9 })).contentHash,
      whole.contentHash,
    );
    const part = await easyVqa({
      dir,
      seed: 0,
      trainImages: 5,
      validationImages: 1,
      testImages: 2,
    });
    assert.deepEqual([
      part.train.length,
      part.validation.length,
      part.test.length,
    ], [5, 1, 2]);
    assert.equal(part.validation[0].id, "train/38");
    assert.notEqual(part.contentHash, whole.contentHash);
    await assert.rejects(
      easyVqa({ dir, seed: 0, testImages: 1.5 }),
      RangeError,
    );
  });
});

Deno.test("the content hash follows pictures and questions", async () => {
  await withFolder(async (dir) => {
    const { contentHash } = await easyVqa({ dir, seed: 0 });
    await Deno.writeFile(join(dir, "data/test/images/1.png"), png(200));
    assert.notEqual((await easyVqa({ dir, seed: 0 })).contentHash, contentHash);
  });
});

const write = (file: string, content: string) => (data: string) =>
  Deno.writeTextFile(join(data, file), content);
const spoiled: [string, (data: string) => Promise<unknown>, string, RegExp][] = [
  [
    "a missing split",
    (data) => Deno.remove(join(data, "test/questions.json")),
    "NotFound",
    /there is no file "test\/questions.json"$/,
  ],
  [
    "truncated JSON",
    write("train/questions.json", '[["what shape'),
    "SyntaxError",
    /"train\/questions.json" is no JSON: .+$/,
  ],
  [
    "an entry that is cut short",
    write("train/questions.json", '[["a?","yes",1],["b?","no"]]'),
    "TypeError",
    /"train\/questions.json" entry 1.*: .+$/,
  ],
  [
    "an image id that is a path",
    write("train/questions.json", '[["a?","yes","../../x"]]'),
    "TypeError",
    /"train\/questions.json" entry 0 entry 2: .+$/,
  ],
  [
    "an answer of another data set",
    write("test/questions.json", '[["a?","cat",0]]'),
    "RangeError",
    /"test\/questions.json" entry 0: "cat" is no answer of easy-VQA$/,
  ],
  [
    "a missing picture",
    (data) => Deno.remove(join(data, "train/images/7.png")),
    "NotFound",
    /there is no file "train\/images\/7.png"$/,
  ],
  [
    "a picture that is none",
    write("test/images/2.png", "<html>"),
    "SyntaxError",
    /"test\/images\/2.png" is no picture: it is neither PNG nor JPEG$/,
  ],
];

for (const [what, change, name, message] of spoiled) {
  Deno.test(`easy-vqa refuses ${what} in one line that names it`, async () => {
    await withFolder(async (dir) => {
      await assert.rejects(easyVqa({ dir, seed: 0 }), (error: Error) => {
        assert.equal(error.name, name);
        assert.match(error.message, /^Cannot read easy-vqa: [^\n]+$/);
        assert.match(error.message, message);
        return true;
      });
    }, change);
  });
}

Deno.test("easy-vqa without a folder, or with one that is not it, says which", async () => {
  await assert.rejects(easyVqa({ seed: 0 }), {
    message: "Cannot read easy-vqa: no folder is named (--data-dir DIR)",
  });
  await assert.rejects(easyVqa({ seed: 0, dir: "no/such" }), {
    message: 'Cannot read easy-vqa: there is no folder "no/such"',
  });
  await inTempFolder(async (dir) => {
    await assert.rejects(
      easyVqa({ seed: 0, dir }),
      /has no ".*questions.json" nor "train\/questions.json"$/,
    );
  });
});
