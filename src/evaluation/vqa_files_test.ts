import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { goldenFolder, readGolden } from "../testing/golden.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { evaluateVqa } from "./vqa_evaluation.ts";
import { scoreVqaFiles, type VqaFiles } from "./vqa_files.ts";

const golden = (file: string) => join(goldenFolder(), "vqa_metric", `${file}.json`);
const GOLDEN: VqaFiles = {
  questions: golden("questions"),
  annotations: golden("annotations"),
  results: golden("results"),
};

Deno.test("official files give what the official script gives", async () => {
  const { accuracy, evalQA } = readGolden("vqa_metric", "expected").json;
  assert.deepEqual(evaluateVqa(await scoreVqaFiles(GOLDEN)), { accuracy, evalQA });
});

Deno.test("normalising always scores answers that the official script leaves as they are", async () => {
  const categories = readGolden("vqa_metric", "categories").json;
  const scores = async (when: "official" | "always") =>
    new Map((await scoreVqaFiles(GOLDEN, when)).map(({ id, score }) => [id, score]));
  const official = await scores("official"), always = await scores("always");
  const changed = [...official].filter(([id, score]) => always.get(id) !== score);
  assert.ok(changed.length > 0);
  for (const [id, score] of changed) {
    assert.equal(score, 0, `question ${id} (${categories[id]})`);
    assert.ok(always.get(id)! > 0);
  }
});

const people = (...answers: string[]) =>
  answers.map((answer, answer_id) => ({ answer, answer_id }));
const annotation = (question_id: number | string, change: object = {}) => ({
  question_id,
  question_type: "is it",
  answer_type: "yes/no",
  answers: people("yes", "yes", "yes", "no"),
  ...change,
});
const files = {
  "q.json": { questions: [{ question_id: 1 }, { question_id: "test/0" }] } as unknown,
  "a.json": { annotations: [annotation(1), annotation("test/0")] } as unknown,
  "r.json": [
    { question_id: "test/0", answer: "no" },
    { question_id: 1, answer: "yes" },
  ] as unknown,
};

/** Writes the files with some changed, and scores them. */
async function score(change: Partial<typeof files> = {}) {
  return await inTempFolder(async (dir) => {
    for (const [file, content] of Object.entries({ ...files, ...change })) {
      if (content === null) continue;
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(join(dir, file), text);
    }
    const [questions, annotations, results] = Object.keys(files).map((file) => join(dir, file));
    return await scoreVqaFiles({ questions, annotations, results });
  });
}

Deno.test("questions may have names for numbers, and scores come in the order of the annotations", async () => {
  assert.deepEqual(await score(), [
    { id: 1, questionType: "is it", answerType: "yes/no", score: 0.75 },
    { id: "test/0", questionType: "is it", answerType: "yes/no", score: 0.25 },
  ]);
});

Deno.test("people are told apart where no answer of a file has an id", async () => {
  const answers = people("yes", "yes", "yes", "no").map(({ answer }) => ({ answer }));
  const annotations = [annotation(1, { answers }), annotation("test/0", { answers })];
  assert.deepEqual(await score({ "a.json": { annotations } }), await score());
});

const result = (question_id: unknown, answer: unknown = "yes") => ({ question_id, answer });
const refused: [what: string, change: Partial<typeof files>, name: string, message: string][] = [
  ["a missing file", { "a.json": null }, "NotFound", 'there is no file "a.json"'],
  [
    "results that are no JSON",
    { "r.json": '[{"question_id": 1, "answer": "a"},' },
    "SyntaxError",
    '"r.json" is no JSON: Unexpected end of JSON input',
  ],
  ["results in a field", { "r.json": { results: [] } }, "TypeError", '"r.json" is no list'],
  ["questions in a bare list", { "q.json": [] }, "TypeError", '"q.json" is no object'],
  ["no questions", { "q.json": {} }, "TypeError", '"q.json" has no field "questions"'],
  [
    "a question without id",
    { "q.json": { questions: [{ id: 1 }] } },
    "TypeError",
    '"q.json" entry 0 has no field "question_id"',
  ],
  [
    "a result without an answer",
    { "r.json": [result(1), { question_id: 1 }] },
    "TypeError",
    '"r.json" entry 1 has no field "answer"',
  ],
  [
    "an answer that is a number",
    { "r.json": [result(1, 2)] },
    "TypeError",
    '"r.json" entry 0, field "answer": Invalid input: expected string, received number',
  ],
  [
    "an id that is neither number nor string",
    { "r.json": [result(1.5)] },
    "TypeError",
    '"r.json" entry 0, field "question_id": expected a whole number or a string',
  ],
  [
    "an annotation without a question type",
    { "a.json": { annotations: [annotation(1, { question_type: undefined })] } },
    "TypeError",
    '"a.json" entry 0 has no field "question_type"',
  ],
  [
    "a person's record without an answer",
    { "a.json": { annotations: [annotation(1, { answers: [{ answer: "a" }, {}] })] } },
    "TypeError",
    '"a.json" entry 0, field "answers" entry 1 has no field "answer"',
  ],
  [
    "an annotation without answers",
    { "a.json": { annotations: [annotation(1, { answers: [] })] } },
    "TypeError",
    '"a.json" entry 0, field "answers": there are none',
  ],
  [
    "two results of a question",
    { "r.json": [result(1), result(1)] },
    "RangeError",
    '"r.json": question_id 1 is there twice',
  ],
  [
    "a result of an unknown question",
    { "r.json": [result("1")] },
    "RangeError",
    '"r.json": question_id "1" is not in "q.json"',
  ],
  [
    "a question without a result",
    { "r.json": [result(1)] },
    "RangeError",
    '"r.json": question_id "test/0" has no answer',
  ],
  [
    "a question without annotation",
    { "a.json": { annotations: [annotation("test/0")] } },
    "RangeError",
    '"a.json": question_id 1 has no annotation',
  ],
  [
    "an annotation of an unknown question",
    { "a.json": { annotations: [annotation(1), annotation(2)] } },
    "RangeError",
    '"a.json": question_id 2 is not in "q.json"',
  ],
  [
    "two annotations of a question",
    { "a.json": { annotations: [annotation(1), annotation(1)] } },
    "RangeError",
    '"a.json": question_id 1 is there twice',
  ],
  [
    "no question at all",
    { "q.json": { questions: [] }, "a.json": { annotations: [] }, "r.json": [] },
    "RangeError",
    '"q.json" has no questions',
  ],
];

for (const [what, change, name, message] of refused) {
  Deno.test(`scoring refuses ${what} in one line that names it`, async () => {
    await assert.rejects(score(change), (error: Error) => {
      const said = error.message.replace(/"(\/[^"]+)"/g, (_, path) => {
        assert.ok(dirname(path).length > 1);
        return `"${basename(path)}"`;
      });
      assert.equal(said, `Cannot score answers: ${message}`);
      assert.equal(error.name, name);
      return true;
    });
  });
}
