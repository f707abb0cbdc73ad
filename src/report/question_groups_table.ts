/**
 * Accuracy by group of question types: what stands before the colon in `relational: closest`.
 */
import type { Summary } from "../evaluation/intervals.ts";
import { poolTypes, questionTypes } from "../evaluation/pool_accuracy.ts";
import { type Accuracy, BASELINE, type StudyRecord } from "../records/record.ts";
import {
  conditionColumns,
  inPercent,
  intervalColumn,
  type Named,
  pointsColumns,
} from "./condition_columns.ts";
import { type Condition, differenceTo, measureAccuracy, runsOf } from "./conditions.ts";
import { count, fixed, inWords, signed } from "./number_format.ts";
import { PUBLISHED_ACCURACY, type PublishedAccuracy } from "./published_accuracy.ts";
import { type Column, table } from "./table.ts";

/** A condition, or a publication. */
interface GroupRow extends Named {
  seeds: number | null;
  /** In percent; null for a publication. */
  accuracy(group: string): Summary | null;
  /** What a publication says. */
  published(group: string): string | null;
  /** Over the question-only control of the same stage. */
  difference(group: string): Summary | null;
}

/**
 * The table with what it says, and how far the baseline is from what others have published; empty
 * where the data set's types have no groups.
 */
export function questionGroupsTable(
  { data }: Pick<StudyRecord, "data">,
  conditions: readonly Condition[],
): string {
  const groups = groupsOf(conditions);
  if (groups.length === 0) return "";
  const published = Object.hasOwn(PUBLISHED_ACCURACY, data.name)
    ? PUBLISHED_ACCURACY[data.name]
    : [];
  const measured = conditions.map((condition) => conditionRow(condition, conditions));
  return [
    legend(published),
    table([
      ...conditionColumns<GroupRow>(measured),
      {
        header: "Seeds",
        align: "right",
        cell: ({ seeds }: GroupRow) => seeds === null ? null : count(seeds),
      },
      ...groups.flatMap((group): Column<GroupRow>[] => [
        accuracyColumn(group),
        ...pointsColumns<GroupRow>("Over question-only", (row) => row.difference(group)),
      ]),
    ], [...measured, ...published.map(publishedRow)]),
    ...published.length > 0 ? [distances(groups, conditions, published)] : [],
  ].join("\n");
}

function legend(published: readonly PublishedAccuracy[]): string {
  const measured =
    "By group of questions, all questions of a group together; mean ± half the width of the 95 % interval over seeds, " +
    "and the difference to the question-only control at the same seeds, in points.";
  return published.length === 0
    ? `${measured}\n`
    : `${measured} Published figures are of ${inWords(cited(published))}: models trained from ` +
      "end to end on pictures of their own.\n";
}

/** Where every type has a group. */
function groupsOf(conditions: readonly Condition[]): string[] {
  const types = questionTypes(runsOf(conditions).map(({ accuracy }) => accuracy));
  return types.every((type) => type.includes(": "))
    ? [...new Set(types.map((type) => type.split(": ")[0]))]
    : [];
}

/** Share of right answers to all questions of a group; null where there are none. */
function accuracyOfGroup({ byType }: Accuracy, group: string): number | null {
  const types = Object.keys(byType).filter((type) => type.startsWith(`${group}: `));
  const { accuracy, n } = poolTypes(types.map((type) => byType[type]));
  return n === 0 ? null : accuracy;
}

function accuracyColumn(group: string): Column<GroupRow> {
  const measured = intervalColumn<GroupRow>(group, 1, (row) => row.accuracy(group));
  return { ...measured, cell: (row) => row.published(group) ?? measured.cell(row) };
}

function conditionRow(condition: Condition, all: readonly Condition[]): GroupRow {
  const blind = all.find(({ role, stage }) =>
    role === "question-only" && stage === condition.stage
  );
  return {
    ...condition,
    seeds: condition.replicates.length,
    accuracy: (group) => inPercent(measureAccuracy(condition, (of) => accuracyOfGroup(of, group))),
    published: () => null,
    difference: (group) =>
      blind && blind !== condition
        ? differenceTo(blind, condition, ({ accuracy }) => accuracyOfGroup(accuracy, group))
        : null,
  };
}

function publishedRow({ model, groups }: PublishedAccuracy): GroupRow {
  return {
    role: "published",
    arm: `${model}, published`,
    lambda: 0,
    stage: "",
    seeds: null,
    accuracy: () => null,
    published: (group) => {
      if (!Object.hasOwn(groups, group)) return null;
      const { percent, above } = groups[group];
      return `${above ? "> " : ""}${fixed(percent, 0)}`;
    },
    difference: () => null,
  };
}

/** Models with their source, those of one source together. */
function cited(published: readonly PublishedAccuracy[]): string[] {
  return [...Map.groupBy(published, ({ source }) => source)].map(([source, of]) =>
    `${inWords(of.map(({ model }) => model))} (${source})`
  );
}

/** A sentence for the baseline of every stage. */
function distances(
  groups: readonly string[],
  conditions: readonly Condition[],
  published: readonly PublishedAccuracy[],
): string {
  const baselines = conditions.filter(({ role, arm }) => role === "arm" && arm === BASELINE);
  return baselines.map((baseline) => {
    const clauses = published.flatMap(({ model, groups: known }) => {
      const points = groups.filter((group) => Object.hasOwn(known, group)).flatMap((group) => {
        const { percent, above } = known[group];
        const mean = measureAccuracy(baseline, (of) => accuracyOfGroup(of, group))?.mean;
        const lower = above ? " or lower" : "";
        return mean === undefined ? [] : [`${signed(100 * mean - percent, 1)}${lower} (${group})`];
      });
      return points.length === 0 ? [] : [`${model} by ${inWords(points)}`];
    });
    const stage = baselines.length > 1 ? ` after stage ${baseline.stage}` : "";
    return `In points, baseline${stage} differs from ${inWords(clauses)}.\n`;
  }).join("\n");
}
