import assert from "node:assert/strict";
import type { Question } from "../data/dataset.ts";
import { easyShapes, easyShapesPresence } from "../data/easy_shapes.ts";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import type { StudyRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { presenceTable } from "./presence_table.ts";

const IMAGES = 40;
const { test } = easyShapes({ seed: 3, testImages: IMAGES, trainImages: 0 });
const questions = test.flatMap(({ questions }) => questions);
const example = exampleStudy();
const studyOf = (overrides: Partial<StudyRecord> = {}) =>
  exampleStudy({
    data: { ...example.data, images: { ...example.data.images, test: IMAGES } },
    config: { data: { name: "easy-shapes", seed: 3, testImages: IMAGES } },
    ...overrides,
  });

/** A run that answers as it is told to. */
const answering = (
  arm: string,
  answer: (question: Question) => string,
  overrides: Parameters<typeof exampleRun>[0] = {},
) =>
  exampleRun({
    arm,
    lambda: arm === "baseline" ? 0 : 1,
    ...overrides,
    answers: questions.map((question) => {
      const given = answer(question);
      return { id: question.id, answer: given, correct: given === question.answer };
    }),
  });

/** Says of nothing that it is there, or of everything. */
const always = (isThere: boolean) => (question: Question) => {
  const asked = easyShapesPresence(question);
  return asked ? isThere === asked.negated ? "no" : "yes" : question.answer;
};

const truth = ({ answer }: Question) => answer;

/** Cells of the table's rows by arm. */
function cellsOf(markdown: string): Record<string, string[]> {
  const rows = markdown.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return Object.fromEntries(rows.map(([arm, ...cells]) => [arm, cells]));
}

const asked = questions.flatMap((question) => {
  const kind = easyShapesPresence(question);
  return kind ? [{ ...kind, isThere: (question.answer === "yes") !== kind.negated }] : [];
});
const shareThere = (kind: string) => {
  const of = asked.filter(({ about }) => about === kind);
  return (100 * of.filter(({ isThere }) => isThere).length / of.length).toFixed(1);
};

Deno.test("who always answers alike has half, whatever is right by the base rate", () => {
  const runs = [
    answering("baseline", truth),
    answering("absent", always(false)),
    answering("present", always(true)),
    answering("silent", (question) => easyShapesPresence(question) ? "" : question.answer),
  ];
  const cells = cellsOf(presenceTable(studyOf(), groupRuns(runs)));
  const [color, shape] = [shareThere("color"), shareThere("shape")];
  assert.deepEqual(cells, {
    absent: ["1", "1", "50.0", "−50.00", "0.0", "50.0", "−50.00", "0.0"],
    baseline: ["0", "1", "100.0", "", color, "100.0", "", shape],
    present: ["1", "1", "50.0", "−50.00", "100.0", "50.0", "−50.00", "100.0"],
    silent: ["1", "1", "0.0", "−100.00", "0.0", "0.0", "−100.00", "0.0"],
  });
});

Deno.test("kinds of things are scored apart, and differences stand at the same seeds", () => {
  const blindToShape = (question: Question) =>
    easyShapesPresence(question)?.about === "shape" ? always(false)(question) : question.answer;
  const runs = [1, 2].flatMap((seed) => [
    answering("baseline", truth, { seed }),
    answering("a", blindToShape, { seed }),
  ]);
  const { a } = cellsOf(presenceTable(studyOf(), groupRuns(runs)));
  assert.deepEqual(a, [
    ...["1", "2", "100.0 ± 0.0", "0.00", "0.00 to 0.00", `${shareThere("color")} ± 0.0`],
    ...["50.0 ± 0.0", "−50.00", "−50.00 to −50.00", "0.0 ± 0.0"],
  ]);
});

Deno.test("the legend says how often the thing is absent", () => {
  const markdown = presenceTable(studyOf(), groupRuns([answering("baseline", truth)]));
  const absent = asked.filter(({ isThere }) => !isThere).length;
  assert.ok(
    markdown.includes(
      `is right in ${(100 * absent / asked.length).toFixed(1)} % of them. Balanced`,
    ),
  );
});

Deno.test("there is no table where the questions are not those that were answered", () => {
  const runs = [answering("baseline", truth)];
  assert.notEqual(presenceTable(studyOf(), groupRuns(runs)), "");
  const [first, ...rest] = runs[0].answers;
  const other = [{ ...runs[0], answers: [{ ...first, correct: !first.correct }, ...rest] }];
  assert.equal(presenceTable(studyOf(), groupRuns(other)), "");
  assert.equal(presenceTable(studyOf(), groupRuns([{ ...runs[0], answers: rest }])), "");
  assert.equal(presenceTable(exampleStudy(), groupRuns(runs)), "", "no seed is known");
  const folds = { count: 3, by: "image" as const };
  assert.equal(presenceTable(studyOf({ folds }), groupRuns(runs)), "");
});
