/**
 * Questions whether something is in the picture, scored so that the base rate earns nothing: most of
 * what they name is absent, and whoever always says so is mostly right without looking.
 */
import type { Question } from "../data/dataset.ts";
import { datasetEntry } from "../data/datasets.ts";
import { isCorrect } from "../evaluation/vqa_accuracy.ts";
import type { RunRecord, StudyRecord } from "../records/record.ts";
import {
  conditionColumns,
  inPercent,
  intervalColumn,
  pointsColumns,
  seedCount,
} from "./condition_columns.ts";
import { baselineOf, type Condition, differenceTo, measure, runsOf } from "./conditions.ts";
import { count, fixed, inWords } from "./number_format.ts";
import { answersFit, redrawTest } from "./redrawn.ts";
import { type Column, table } from "./table.ts";

/** A question of presence, with its truth. */
interface Asked {
  id: string;
  about: string;
  negated: boolean;
  /** Whether the thing is in the picture. */
  isThere: boolean;
}

/** What one run makes of the questions about one kind of thing. */
interface Presence {
  /** Mean share of right answers over the four cells of present or absent, plain or negated. */
  balanced: number;
  /** Share of answers by which the thing is in the picture. */
  saidThere: number;
}

/**
 * The table with what it says; empty where the test questions cannot be drawn again, do not fit the
 * answers, or ask of nothing whether it is there.
 */
export function presenceTable(study: StudyRecord, conditions: readonly Condition[]): string {
  const presence = datasetEntry(study.data.name)?.presence;
  // Only then is it worth the drawing.
  const test = presence && redrawTest(study);
  if (!test) return "";
  const asked = test.flatMap(({ questions }) => questions)
    .flatMap((question) => askedOf(question, presence(question)) ?? []);
  const answersOf = new Map(
    runsOf(conditions).map((run) => [run, new Map(run.answers.map((given) => [given.id, given]))]),
  );
  if (asked.length === 0) return "";
  if (![...answersOf.values()].every((answers) => answersFit(test, answers))) return "";
  const kinds = Map.groupBy(asked, ({ about }) => about);
  const scores = new Map(
    [...kinds].map(([about, questions]) => [
      about,
      new Map([...answersOf].map(([run, answers]) => [run, score(questions, answers)])),
    ]),
  );
  const columnsOf = (about: string): Column<Condition>[] => {
    const of = (run: RunRecord) => scores.get(about)!.get(run)!;
    return [
      intervalColumn(
        `${about}, balanced`,
        1,
        (condition) => inPercent(measure(condition, (run) => of(run).balanced)),
      ),
      ...pointsColumns<Condition>("Difference to baseline", (condition) => {
        const baseline = baselineOf(condition, conditions);
        return baseline && baseline !== condition
          ? differenceTo(baseline, condition, ({ runs: [run] }) => of(run).balanced)
          : null;
      }),
      intervalColumn(
        `${about}, as if there`,
        1,
        (condition) => inPercent(measure(condition, (run) => of(run).saidThere)),
      ),
    ];
  };
  return [
    legend(kinds),
    table([
      ...conditionColumns(conditions),
      seedCount,
      ...[...kinds.keys()].sort().flatMap(columnsOf),
    ], conditions),
  ].join("\n");
}

function askedOf(
  { id, answer }: Question,
  kind: { about: string; negated: boolean } | null,
): Asked | null {
  return kind && { id, ...kind, isThere: (answer === "yes") !== kind.negated };
}

function score(
  questions: readonly Asked[],
  answers: ReadonlyMap<string, { answer: string; correct: boolean }>,
): Presence {
  const cells = Map.groupBy(questions, ({ isThere, negated }) => `${isThere} ${negated}`);
  const share = (of: readonly Asked[], holds: (question: Asked) => boolean) =>
    of.filter(holds).length / of.length;
  const isRight = ({ id }: Asked) => answers.get(id)!.correct;
  return {
    balanced: [...cells.values()].reduce((sum, cell) => sum + share(cell, isRight), 0) / cells.size,
    saidThere: share(
      questions,
      ({ id, negated }) => isCorrect(answers.get(id)!.answer, negated ? "no" : "yes"),
    ),
  };
}

function legend(kinds: ReadonlyMap<string, readonly Asked[]>): string {
  const all = [...kinds.values()].flat();
  const absent = (questions: readonly Asked[]) => questions.filter(({ isThere }) => !isThere);
  const each = [...kinds].sort(([a], [b]) => a < b ? -1 : 1).map(([about, questions]) =>
    `${count(absent(questions).length)} of ${count(questions.length)} about ${about}`
  );
  return "Questions whether something is in the picture, without what the base rate earns. In " +
    `${inWords(each)} it is not, so that whoever always answers as if it were absent is right in ${
      fixed(100 * absent(all).length / all.length, 1)
    } % of them. Balanced accuracy is the mean of the shares answered rightly of those where the thing is there and ` +
    "where it is not, asked plainly and negated, in percent: 50 without looking. As if there: the share of answers by " +
    "which the thing is in the picture. Mean ± half the width of the 95 % interval over seeds; differences are in " +
    "points at the same seeds, not adjusted for their number.\n";
}
