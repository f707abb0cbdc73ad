import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import jpeg from "jpeg-js";
import { inTempFolder } from "../testing/temp_folder.ts";
import { vqaV2 } from "./vqa_v2.ts";

const picture = jpeg.encode({ width: 8, height: 8, data: Buffer.alloc(256, 90) }, 90).data;

const question = (question_id: number, change: object = {}) => ({
  image_id: Math.floor(question_id / 1000),
  question: `What is number ${question_id}?`,
  question_id,
  ...change,
});

const annotation = (question_id: number, change: object = {}) => ({
  question_type: "what is",
  multiple_choice_answer: "two",
  answers: Array.from({ length: 10 }, (_, i) => ({
    answer: i < 6 ? "two" : `${i}`,
    answer_confidence: "yes",
    answer_id: i + 1,
  })),
  image_id: Math.floor(question_id / 1000),
  answer_type: "number",
  question_id,
  ...change,
});

const QUESTIONS = (subset: string) => `v2_OpenEnded_mscoco_${subset}_questions.json`;
const ANNOTATIONS = (subset: string) => `v2_mscoco_${subset}_annotations.json`;
/** Pictures of the training split, out of order, and two questions about each. */
const TRAIN = Array.from({ length: 20 }, (_, i) => 7 * (20 - i));
const TRAIN_IDS = TRAIN.flatMap((image) => [1000 * image, 1000 * image + 1]);

const official: Record<string, unknown> = {
  [QUESTIONS("train2014")]: { info: {}, questions: TRAIN_IDS.map((id) => question(id)) },
  [ANNOTATIONS("train2014")]: {
    annotations: TRAIN_IDS.toReversed().map((id) => annotation(id)),
    info: {},
  },
  [QUESTIONS("val2014")]: { questions: [question(43000), question(43001)] },
  [ANNOTATIONS("val2014")]: {
    annotations: [
      annotation(43000, { answer_type: "other", multiple_choice_answer: "2 dogs" }),
      annotation(43001),
    ],
  },
};

/** Where an official file lies in the folder. */
type Place = (file: string) => string;

async function withFolder(
  use: (dir: string) => Promise<void>,
  change: Record<string, unknown> = {},
  place: Place = (file) => file,
) {
  await inTempFolder(async (dir) => {
    const write = async (file: string, content: string | Uint8Array) => {
      const path = join(dir, place(file));
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(
        path,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    };
    for (const id of TRAIN) {
      await write(`train2014/COCO_train2014_${String(id).padStart(12, "0")}.jpg`, picture);
    }
    await write("val2014/COCO_val2014_000000000043.jpg", picture);
    for (const [file, content] of Object.entries({ ...official, ...change })) {
      await write(file, typeof content === "string" ? content : JSON.stringify(content));
    }
    await use(dir);
  });
}

Deno.test("the official files are read, the last twentieth of train held out, val2014 is the test split", async () => {
  await withFolder(async (dir) => {
    const dataset = await vqaV2({ dir, seed: 0 });
    const { train, validation, test } = dataset;
    assert.deepEqual([train.length, validation.length, test.length], [19, 1, 1]);
    assert.equal(train[0].id, "train2014/COCO_train2014_000000000007.jpg");
    assert.equal(validation[0].id, "train2014/COCO_train2014_000000000140.jpg");
    assert.equal(test[0].id, "val2014/COCO_val2014_000000000043.jpg");
    assert.deepEqual(test[0].questions, [
      {
        id: "43000",
        text: "What is number 43000?",
        answer: "2 dogs",
        answers: ["two", "two", "two", "two", "two", "two", "6", "7", "8", "9"],
        type: "other",
      },
      {
        id: "43001",
        text: "What is number 43001?",
        answer: "two",
        answers: ["two", "two", "two", "two", "two", "two", "6", "7", "8", "9"],
        type: "number",
      },
    ]);
    const image = await test[0].image();
    assert.deepEqual([image.width, image.height], [8, 8]);
    assert.match(dataset.source, /official validation split/);
  });
});

Deno.test("the folders of the official tools will do, and counts are honoured", async () => {
  let hash = "";
  await withFolder(async (dir) => {
    hash = (await vqaV2({ dir, seed: 0 })).contentHash;
    const part = await vqaV2({ dir, seed: 0, trainImages: 3, validationImages: 0, testImages: 1 });
    assert.deepEqual([part.train.length, part.validation.length, part.test.length], [3, 0, 1]);
    assert.notEqual(part.contentHash, hash);
  });
  const place: Place = (file) =>
    file.endsWith("questions.json")
      ? `Questions/${file}`
      : file.endsWith(".json")
      ? `Annotations/${file}`
      : `Images/mscoco/${file}`;
  await withFolder(
    async (dir) => assert.equal((await vqaV2({ dir, seed: 0 })).contentHash, hash),
    {},
    place,
  );
});

Deno.test("the content hash follows what the people answered", async () => {
  const hashes: string[] = [];
  for (const answer of ["6", "six"]) {
    const answers = [{ answer, answer_id: 1 }, { answer: "two", answer_id: 2 }];
    const annotations = [annotation(43000, { answers }), annotation(43001)];
    await withFolder(
      async (dir) => void hashes.push((await vqaV2({ dir, seed: 0 })).contentHash),
      { [ANNOTATIONS("val2014")]: { annotations } },
    );
  }
  assert.notEqual(hashes[0], hashes[1]);
});

const asked = (...questions: object[]) => ({ [QUESTIONS("val2014")]: { questions } });
const annotated = (...annotations: object[]) => ({ [ANNOTATIONS("val2014")]: { annotations } });
const spoiled: [what: string, change: Record<string, unknown>, name: string, message: RegExp][] = [
  [
    "truncated JSON",
    { [ANNOTATIONS("val2014")]: '{"annotations": [{"question_id": 5' },
    "SyntaxError",
    /"v2_mscoco_val2014_annotations.json" is no JSON: /,
  ],
  [
    "a file without its list",
    { [QUESTIONS("val2014")]: { question: [] } },
    "TypeError",
    /"v2_OpenEnded_mscoco_val2014_questions.json" has no field "questions"$/,
  ],
  [
    "a question without its text",
    asked(question(43000), question(43001, { question: undefined })),
    "TypeError",
    /_questions.json" entry 1 has no field "question"$/,
  ],
  [
    "an annotation without the training target",
    annotated(annotation(43000, { multiple_choice_answer: undefined })),
    "TypeError",
    /_annotations.json" entry 0 has no field "multiple_choice_answer"$/,
  ],
  [
    "a person's record without an answer",
    annotated(annotation(43000, { answers: [{ answer: "a", answer_id: 1 }, { answer_id: 2 }] })),
    "TypeError",
    /_annotations.json" entry 0, field "answers" entry 1 has no field "answer"$/,
  ],
  [
    "two answers of one person",
    annotated(annotation(43000, { answers: Array(2).fill({ answer: "a", answer_id: 1 }) })),
    "TypeError",
    /_annotations.json" entry 0, field "answers": two answers have the same answer_id$/,
  ],
  [
    "a question that stands twice",
    asked(question(43000), question(43000)),
    "RangeError",
    /_val2014_questions.json": question_id 43000 is already in ".*_val2014_questions.json"$/,
  ],
  [
    "a question that stands in both splits",
    asked(question(43000), question(7000, { image_id: 43 })),
    "RangeError",
    /_val2014_questions.json": question_id 7000 is already in ".*_train2014_questions.json"$/,
  ],
  [
    "a picture in two splits",
    asked(question(7002)),
    "RangeError",
    /_val2014_questions.json": image_id 7 is already in train2014, and splits share no picture$/,
  ],
  [
    "a question without annotation",
    annotated(annotation(43000)),
    "RangeError",
    /_val2014_annotations.json": there is no annotation of question_id 43001$/,
  ],
  [
    "an annotation without question",
    annotated(annotation(43000), annotation(44000)),
    "RangeError",
    /_annotations.json": question_id 44000 is not in ".*_val2014_questions.json"$/,
  ],
  [
    "two annotations of one question",
    annotated(annotation(43000), annotation(43000)),
    "RangeError",
    /_annotations.json": question_id 43000 is there twice$/,
  ],
  [
    "an annotation of another picture",
    annotated(annotation(43000, { image_id: 44 })),
    "RangeError",
    /question_id 43000 has image_id 44, and 43 in ".*_val2014_questions.json"$/,
  ],
  [
    "a picture that is none",
    { "val2014/COCO_val2014_000000000043.jpg": "GIF89a" },
    "SyntaxError",
    /"val2014\/COCO_val2014_000000000043.jpg" is no picture/,
  ],
];

for (const [what, change, name, message] of spoiled) {
  Deno.test(`vqa-v2 refuses ${what} in one line that names it`, async () => {
    await withFolder(async (dir) => {
      await assert.rejects(vqaV2({ dir, seed: 0 }), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^Cannot read vqa-v2: [^\n]+$/);
        assert.equal(error.name, name);
        return true;
      });
    }, change);
  });
}

Deno.test("vqa-v2 without a file says which, and where it may lie", async () => {
  await withFolder(async (dir) => {
    await Deno.remove(join(dir, ANNOTATIONS("train2014")));
    await assert.rejects(
      vqaV2({ dir, seed: 0 }),
      /has no "v2_mscoco_train2014_annotations.json" nor "Annotations\/v2_mscoco_train2014_annotations.json"$/,
    );
  });
  await withFolder(async (dir) => {
    await Deno.remove(join(dir, QUESTIONS("val2014")));
    await assert.rejects(
      vqaV2({ dir, seed: 0 }),
      /there is no file "v2_OpenEnded_mscoco_val2014_questions.json"$/,
    );
  });
});
