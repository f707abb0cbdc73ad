import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import jpeg from "jpeg-js";
import { inTempFolder } from "../testing/temp_folder.ts";
import { slake } from "./slake.ts";

const entry = (qid: number, picture: string, change: object = {}) => ({
  img_id: 1,
  img_name: `${picture}/source.jpg`,
  question: `What organ is number ${qid}?`,
  answer: "Liver",
  q_lang: "en",
  location: "Abdomen",
  content_type: "Organ",
  answer_type: "OPEN",
  qid,
  ...change,
});

const official: Record<string, unknown> = {
  "train.json": [
    entry(0, "xmlab1"),
    entry(1, "xmlab1", { content_type: "Modality", answer: "MRI" }),
    entry(2, "xmlab2"),
    entry(3, "xmlab2", { answer: "" }),
    entry(4, "xmlab3", { q_lang: "zh", question: "肺在哪里?", answer: "胸部" }),
  ],
  "validate.json": [entry(10, "xmlab4")],
  "test.json": [entry(20, "xmlab3"), entry(21, "xmlab5")],
};

async function withFolder(
  use: (dir: string) => Promise<void>,
  change: Record<string, unknown> = {},
) {
  await inTempFolder(async (dir) => {
    for (let n = 1; n <= 5; n++) {
      await Deno.mkdir(join(dir, "imgs", `xmlab${n}`), { recursive: true });
      const data = Buffer.alloc(8 * 8 * 4, 30 * n);
      const picture = jpeg.encode({ width: 8, height: 8, data }, 90).data;
      await Deno.writeFile(
        join(dir, "imgs", `xmlab${n}`, "source.jpg"),
        picture,
      );
    }
    for (const [file, content] of Object.entries({ ...official, ...change })) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(text);
      await Deno.writeFile(join(dir, file), bytes);
    }
    await use(dir);
  });
}

Deno.test("the official folder is read in English, an empty answer left out and counted", async () => {
  await withFolder(async (dir) => {
    const dataset = await slake({ dir, seed: 0 });
    assert.deepEqual(
      dataset.train.map(({ id, questions }) => [
        id,
        questions.map(({ id }) => id),
      ]),
      [
        ["xmlab1/source.jpg", ["0", "1"]],
        ["xmlab2/source.jpg", ["2"]],
      ],
    );
    assert.deepEqual(dataset.validation.map(({ id }) => id), [
      "xmlab4/source.jpg",
    ]);
    assert.deepEqual(dataset.test.map(({ id }) => id), [
      "xmlab3/source.jpg",
      "xmlab5/source.jpg",
    ]);
    assert.deepEqual(dataset.train[0].questions[1], {
      id: "1",
      text: "What organ is number 1?",
      answer: "MRI",
      type: "Modality",
    });
    assert.match(dataset.source, /questions without an answer, left out: 1$/);
    const image = await dataset.test[1].image();
    assert.deepEqual([image.width, image.height], [8, 8]);
    assert.ok(Math.abs(image.data[0] - 150) < 4);
  });
});

Deno.test("another language is read on request, and one that is not there is refused with those that are", async () => {
  await withFolder(async (dir) => {
    const { train, test } = await slake({ dir, seed: 0, language: "zh" });
    assert.deepEqual(
      [train.length, test.length, train[0].questions[0].answer],
      [1, 0, "胸部"],
    );
    await assert.rejects(slake({ dir, seed: 0, language: "fr" }), {
      name: "RangeError",
      message: 'Cannot read slake: no question is in language "fr"; there is en, zh',
    });
  });
});

Deno.test("a modality that is held out is tested, all of it, and is nowhere else", async () => {
  const [ct, mri] = ["CT", "MRI"].map((modality) => ({ modality }));
  const files = {
    "train.json": [entry(0, "xmlab1", ct), entry(1, "xmlab2", mri), entry(2, "xmlab2", mri)],
    "validate.json": [entry(10, "xmlab4", ct)],
    "test.json": [entry(20, "xmlab3", mri), entry(21, "xmlab5", ct)],
  };
  await withFolder(async (dir) => {
    const held = await slake({ dir, seed: 0, heldOutModality: "MRI" });
    const names = (split: typeof held.train) => split.map(({ id }) => id.slice(0, 6));
    assert.deepEqual(names(held.train), ["xmlab1"]);
    assert.deepEqual(names(held.validation), ["xmlab4"]);
    assert.deepEqual(names(held.test), ["xmlab2", "xmlab3"]);
    assert.match(held.source, /tested on all pictures of modality MRI, trained on the others$/);
    assert.notEqual(held.contentHash, (await slake({ dir, seed: 0 })).contentHash);
    await assert.rejects(slake({ dir, seed: 0, heldOutModality: "PET" }), {
      message:
        'Cannot read slake: with modality "PET" held out there is nothing in test; there is CT, MRI',
    });
    await assert.rejects(slake({ dir, seed: 0, heldOutModality: "CT" }), {
      message: /with modality "CT" held out there is nothing in validation/,
    });
  }, files);
  await withFolder(async (dir) => {
    await assert.rejects(slake({ dir, seed: 0, heldOutModality: "MRI" }), {
      message: 'Cannot read slake: "train.json" entry 0: has no field "modality"',
    });
  });
});

const spoiled: [string, Record<string, unknown>, string, RegExp][] = [
  [
    "truncated JSON",
    { "test.json": '[{"qid": 5,' },
    "SyntaxError",
    /"test.json" is no JSON: /,
  ],
  [
    "JSON that is no list",
    { "train.json": { a: 1 } },
    "TypeError",
    /"train.json": Invalid input: expected array/,
  ],
  [
    "an entry without an answer field",
    {
      "train.json": [
        entry(0, "xmlab1"),
        entry(1, "xmlab1", { answer: undefined }),
      ],
    },
    "TypeError",
    /"train.json" entry 1 has no field "answer"$/,
  ],
  [
    "a question number that is text",
    { "validate.json": [entry(0, "xmlab4", { qid: "7" })] },
    "TypeError",
    /"validate.json" entry 0, field "qid": .*expected .*number/,
  ],
  [
    "a question number that stands twice",
    { "test.json": [entry(1, "xmlab5")] },
    "RangeError",
    /"test.json" entry 0: qid 1 is already in "train.json"$/,
  ],
  [
    "a picture in two splits",
    { "test.json": [entry(20, "xmlab2")] },
    "RangeError",
    /"test.json" entry 0: picture "xmlab2\/source.jpg" is already in "train.json", and splits share no picture$/,
  ],
  [
    "a picture that is missing",
    { "test.json": [entry(20, "xmlab9")] },
    "NotFound",
    /there is no file "imgs\/xmlab9\/source.jpg"$/,
  ],
  [
    "a picture that is none",
    { "imgs/xmlab5/source.jpg": "GIF89a" },
    "SyntaxError",
    /"imgs\/xmlab5\/source.jpg" is no picture/,
  ],
  ...["../secret", "/etc", "a/../../b", "a//b", "..\\x", "c:"].map((
    name,
  ): [string, Record<string, unknown>, string, RegExp] => [
    `the picture path ${name}`,
    { "test.json": [entry(20, name)] },
    "TypeError",
    /"test.json" entry 0, field "img_name": ".*" is no path below the folder "imgs"$/,
  ]),
];

spoiled.push(
  [
    "a file that is not UTF-8",
    { "test.json": Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d) },
    "SyntaxError",
    /"test.json" is no JSON: it is not UTF-8$/,
  ],
  [
    "a field that stands twice",
    { "test.json": '[{"qid": 1, "qid": 2}]' },
    "SyntaxError",
    /"test.json" is no JSON: key "qid" is there twice$/,
  ],
  [
    "lists without end",
    { "test.json": "[".repeat(1e5) + "]".repeat(1e5) },
    "SyntaxError",
    /"test.json" is no JSON: it is nested deeper than 100 levels$/,
  ],
  [
    "a picture name that would write on the terminal",
    { "test.json": [entry(20, "\u001b[2J\n")] },
    "NotFound",
    /there is no file "imgs\/\\u001b\[2J\\n\/source.jpg"$/,
  ],
);

for (const [what, change, name, message] of spoiled) {
  Deno.test(`slake refuses ${what} in one line that names it`, async () => {
    await withFolder(async (dir) => {
      await assert.rejects(slake({ dir, seed: 0 }), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^Cannot read slake: [^\n]+$/);
        assert.equal(error.name, name);
        return true;
      });
    }, change);
  });
}

Deno.test("a link that leads out of the folder is refused, but for the pictures' folder itself", async () => {
  await inTempFolder(async (elsewhere) => {
    await withFolder(async (dir) => {
      const picture = join(dir, "imgs", "xmlab1", "source.jpg");
      await Deno.copyFile(picture, join(elsewhere, "source.jpg"));
      await Deno.remove(picture);
      await Deno.symlink(join(elsewhere, "source.jpg"), picture);
      const refused = {
        name: "RangeError",
        message:
          'Cannot read slake: "imgs/xmlab1/source.jpg": it is a link that leads out of the folder',
      };
      await assert.rejects(slake({ dir, seed: 0 }), refused);
      await Deno.remove(join(dir, "imgs", "xmlab1"), { recursive: true });
      await Deno.symlink(elsewhere, join(dir, "imgs", "xmlab1"));
      await assert.rejects(slake({ dir, seed: 0 }), refused);
      // As who keeps large folders elsewhere has it.
      await Deno.remove(join(dir, "imgs", "xmlab1"));
      await Deno.rename(join(dir, "imgs"), join(elsewhere, "imgs"));
      await Deno.mkdir(join(elsewhere, "imgs", "xmlab1"));
      await Deno.rename(
        join(elsewhere, "source.jpg"),
        join(elsewhere, "imgs", "xmlab1", "source.jpg"),
      );
      await Deno.symlink(join(elsewhere, "imgs"), join(dir, "imgs"));
      const { train } = await slake({ dir, seed: 0 });
      assert.equal((await train[0].image()).width, 8);
    });
  });
});
