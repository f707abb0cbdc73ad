import assert from "node:assert/strict";
import { easyShapes } from "../data/easy_shapes.ts";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { exampleAnswers } from "./example_answers.ts";
import { renderReport } from "./report.ts";

const IMAGES = 12;
const { test } = easyShapes({ seed: 3, testImages: IMAGES, trainImages: 5, validationImages: 5 });
const questions = test.flatMap(({ questions }) => questions);
const example = exampleStudy();
const study = exampleStudy({
  data: { ...example.data, images: { ...example.data.images, test: IMAGES } },
  config: { data: { name: "easy-shapes", seed: 3, testImages: IMAGES, trainImages: 5 } },
});

/** A run that answers every question rightly but those named. */
function answering(overrides: Partial<RunRecord>, wrong: Record<string, string> = {}): RunRecord {
  const { accuracy: _, ...rest } = overrides;
  return exampleRun({
    ...rest,
    answers: questions.map(({ id, answer }) => ({
      id,
      answer: wrong[id] ?? answer,
      correct: wrong[id] === undefined,
    })),
  });
}

/** The first question of the third picture. */
const disputed = test[2].questions[0];
const runs = [
  answering({}, { [disputed.id]: "a *star*" }),
  answering({ arm: "other", lambda: 1 }),
  answering({ arm: "other", lambda: 2 }),
  answering({ arm: "other", lambda: 2, seed: 2 }, { [test[0].questions[0].id]: "" }),
];

/** Cells of the table's rows. */
const rowsOf = (markdown: string) =>
  markdown.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));

Deno.test("the first picture on which the arms disagree is shown, then one of every question type", async () => {
  const { markdown, figures } = await exampleAnswers(study, runs);
  const [header, , ...rows] = rowsOf(markdown);
  assert.deepEqual(
    header,
    ["Picture", "Question", "Type", "True answer", "baseline", "other (λ = 2)"],
  );
  assert.deepEqual(rows[0], [
    `![Test picture ${test[2].id}](figures/example_1.svg)`,
    disputed.text,
    disputed.type,
    disputed.answer,
    "a \\*star\\*",
    disputed.answer,
  ]);
  assert.deepEqual(rows.slice(1).map(([, , type]) => type), ["color", "shape", "yes/no"]);
  assert.deepEqual(
    rows.slice(1).map(([, , , truth, ...given]) => given.every((answer) => answer === truth)),
    [true, true, true],
  );
  const pictures = rows.map(([picture]) => picture.match(/picture (\S+)\]/)![1]);
  assert.equal(new Set(pictures).size, 4);
  assert.deepEqual(
    Object.entries(figures).map((
      [file, svg],
    ) => [file, svg.match(/aria-label="Test picture (.*?)"/)![1]]),
    pictures.map((id, i) => [`example_${i + 1}.svg`, id]),
  );
});

Deno.test("any order of the runs gives the same examples", async () => {
  assert.deepEqual(
    await exampleAnswers(study, runs.toReversed()),
    await exampleAnswers(study, runs),
  );
});

Deno.test("arms that agree on everything are shown by question type alone", async () => {
  const { markdown } = await exampleAnswers(study, runs.slice(1, 3));
  assert.equal(rowsOf(markdown).length, 2 + 3);
});

Deno.test("the report has the section where there are examples, and only there", async () => {
  const part = await exampleAnswers(study, runs);
  const report = renderReport(study, runs, part);
  assert.ok(report.markdown.includes(`## Example answers\n\n${part.markdown.trimEnd()}\n\n## `));
  assert.equal(report.figures["example_1.svg"], part.figures["example_1.svg"]);
  assert.doesNotMatch(renderReport(study, runs).markdown, /Example answers/);
});

const others: [why: string, study: StudyRecord, runs: RunRecord[]][] = [
  ["data from files", { ...study, data: { ...study.data, name: "easy-vqa" } }, runs],
  ["a study that does not say its seed", { ...study, config: { data: {} } }, runs],
  ["another seed", { ...study, config: { data: { seed: 4, testImages: IMAGES } } }, runs],
  ["folds", { ...study, folds: { count: 3, by: "image" } }, runs],
  ["another number of pictures", { ...study, data: example.data }, runs],
  ["answers to other questions", study, [exampleRun()]],
  ["controls alone", study, [answering({ role: "question-only", arm: "question-only" })]],
  [
    "an answer that is not as right as it is said to be",
    study,
    [{ ...runs[1], answers: runs[1].answers.map((answer) => ({ ...answer, correct: false })) }],
  ],
];
for (const [why, record, given] of others) {
  Deno.test(`there are no examples of ${why}`, async () => {
    assert.deepEqual(await exampleAnswers(record, given), { markdown: "", figures: {} });
  });
}
