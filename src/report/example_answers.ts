/**
 * A few test pictures with a question each, what every arm answers, and the truth.
 *
 * Records hold no pictures. Those of procedural data are drawn again from the data set's name and
 * seed, and shown only where every recorded answer is as right or wrong as it is said to be.
 */
import type { Example, Question } from "../data/dataset.ts";
import type { GivenAnswer, RunRecord, StudyRecord } from "../records/record.ts";
import { groupRuns } from "./conditions.ts";
import { pixelSvg } from "./pixel_svg.ts";
import { answersFit, redrawTest } from "./redrawn.ts";
import { table } from "./table.ts";

/** A part of a report that is made beforehand. */
export interface ReportPart {
  /** Without its heading; empty where there is nothing to show. */
  markdown: string;
  /** SVG text by file name. */
  figures: Record<string, string>;
}

/** One picture with the question that is shown. */
interface Shown {
  example: Example;
  question: Question;
}

/** An arm with its answers by question. */
interface Answering {
  name: string;
  answers: ReadonlyMap<string, GivenAnswer>;
}

/**
 * The examples of a study, chosen by a fixed rule: the first test picture with a question on which
 * the arms disagree, then for each question type, by name, the first on a picture not yet shown. Every
 * arm answers with its last stage and round, its largest lambda and its lowest seed.
 *
 * @param study the study's record
 * @param runs its finished runs, in any order
 * @returns an empty part where the data are not procedural, were folded, or do not fit the answers
 *
 * @example
 * ```ts
 * import { exampleRuns, exampleStudy } from "../records/example_records.ts";
 * import { exampleAnswers } from "./example_answers.ts";
 * import assert from "node:assert/strict";
 *
 * // These records do not say from which seed their pictures were drawn.
 * const part = await exampleAnswers(exampleStudy(), exampleRuns([1]));
 * assert.deepEqual(part, { markdown: "", figures: {} });
 * ```
 */
export async function exampleAnswers(
  study: StudyRecord,
  runs: readonly RunRecord[],
): Promise<ReportPart> {
  const arms = answeringArms(runs);
  const examples = redrawTest(study) ?? [];
  const isFitting = arms.length > 0 && arms.every(({ answers }) => answersFit(examples, answers));
  const shown = isFitting ? choose(examples, arms) : [];
  if (shown.length === 0) return { markdown: "", figures: {} };
  const figures: Record<string, string> = {};
  for (const [i, { example }] of shown.entries()) {
    figures[fileOf(i)] = pixelSvg(await example.image(), `Test picture ${example.id}`);
  }
  return { markdown: `${LEGEND}\n${examplesTable(shown, arms)}`, figures };
}

const LEGEND =
  "Test pictures by a fixed rule: the first with a question on which the arms disagree, then for each question type " +
  "the first on a picture not yet shown. Every arm answers with its last stage and round, its largest λ and its " +
  "lowest seed. No conclusion rests on these few.\n";

const fileOf = (index: number) => `example_${index + 1}.svg`;

/** The last condition of every arm, of its lowest seed. */
function answeringArms(runs: readonly RunRecord[]): Answering[] {
  const arms = groupRuns(runs).filter(({ role }) => role === "arm");
  const last = new Map(arms.map((condition) => [condition.arm, condition]));
  return [...last.values()].map((condition) => ({
    name: condition.name,
    answers: new Map(
      condition.replicates[0].runs.flatMap(({ answers }) => answers)
        .map((answer) => [answer.id, answer]),
    ),
  }));
}

function choose(examples: readonly Example[], arms: readonly Answering[]): Shown[] {
  const all = examples.flatMap((example) =>
    example.questions.map((question) => ({ example, question }))
  );
  const types = [...new Set(all.map(({ question }) => question.type))].sort();
  const rules: ((question: Question) => boolean)[] = [
    ({ id }) => new Set(arms.map(({ answers }) => answers.get(id)!.answer)).size > 1,
    ...types.map((wanted) => ({ type }: Question) => type === wanted),
  ];
  const shown: Shown[] = [];
  for (const rule of rules) {
    const next = all.find(({ example, question }) =>
      rule(question) && shown.every((other) => other.example !== example)
    );
    if (next) shown.push(next);
  }
  return shown;
}

function examplesTable(shown: readonly Shown[], arms: readonly Answering[]): string {
  return table([
    {
      header: "Picture",
      cell: ({ example }: Shown) =>
        `![Test picture ${example.id}](figures/${
          fileOf(shown.findIndex((other) => other.example === example))
        })`,
    },
    { header: "Question", cell: ({ question }) => asText(question.text) },
    { header: "Type", cell: ({ question }) => asText(question.type) },
    { header: "True answer", cell: ({ question }) => asText(question.answer) },
    ...arms.map(({ name, answers }) => ({
      header: name,
      cell: ({ question }: Shown) => asText(answers.get(question.id)!.answer) || "(nothing)",
    })),
  ], shown);
}

/** What a model generates is no Markdown. */
function asText(text: string): string {
  return text.trim().replace(/[\\`*_<>[\]~&#!]/g, "\\$&");
}
