/**
 * Conditions of several studies in one table, against one pinned baseline.
 */
import type { RunRecord, StudyRecord } from "../records/record.ts";
import {
  conditionColumns,
  inPercent,
  intervalColumn,
  pointsColumns,
  seedCount,
} from "./condition_columns.ts";
import { differenceToBaseline, findBaseline, groupRuns, measureAccuracy } from "./conditions.ts";
import { inWords } from "./number_format.ts";
import { table } from "./table.ts";

/** A study to compare. */
export interface ComparedStudy {
  /** What its rows are called by, such as its folder; the studies' names differ. */
  name: string;
  /** Its record. */
  study: StudyRecord;
  /** Its finished runs, in any order. */
  runs: readonly RunRecord[];
}

/**
 * A Markdown table of every condition of the studies: accuracy in percent, mean ± half the width
 * of its 95 % interval over seeds, and the difference to the first study's baseline of the same stage,
 * in percentage points at the same seeds and folds with Student's 95 % interval. A line above it says
 * whether data and image encoder are the same.
 *
 * @param studies the first one's baseline is what all are compared with
 * @param options `force` compares studies of different data too
 * @throws {RangeError} when there are fewer than two studies, one has no run, the first no baseline,
 * or, without `force`, their data differ
 *
 * @example
 * ```ts
 * import { exampleRuns, exampleStudy } from "../records/example_records.ts";
 * import { compareStudies } from "./compare.ts";
 * import assert from "node:assert/strict";
 *
 * const study = exampleStudy();
 * const markdown = compareStudies([
 *   { name: "before", study, runs: exampleRuns([1, 2]) },
 *   { name: "after", study, runs: exampleRuns([1, 2, 3]) },
 * ]);
 * assert.match(markdown, /^\| after +\| cosine-constraint \| +1 \| +3 \|/m);
 * ```
 */
export function compareStudies(
  studies: readonly ComparedStudy[],
  { force = false }: { force?: boolean } = {},
): string {
  const [first] = studies;
  if (studies.length < 2) {
    throw new RangeError(`Cannot compare studies: two are needed, got ${studies.length}`);
  }
  const empty = studies.find(({ runs }) => runs.length === 0);
  if (empty) throw new RangeError(`Cannot compare studies: "${empty.name}" has no finished run`);
  const data = hashes(studies, ({ data }) => data.contentHash);
  if (data.size > 1 && !force) {
    throw new RangeError(
      `Cannot compare studies of different data: ${inWords(listed(data))} (--force compares them)`,
    );
  }
  const pinned = groupRuns(first.runs);
  if (findBaseline(pinned) === undefined) {
    throw new RangeError(`Cannot compare studies: "${first.name}" has no run of the baseline`);
  }
  const rows = studies.flatMap(({ name, runs }, i) =>
    (i === 0 ? pinned : groupRuns(runs)).map((condition) => {
      return {
        ...condition,
        name,
        overall: inPercent(measureAccuracy(condition, ({ overall }) => overall)),
        difference: differenceToBaseline(condition, pinned),
      };
    })
  );
  return [
    sameness("Data", data) + " " +
    sameness("Image encoders", hashes(studies, ({ encoder }) => encoder.contentHash)),
    "VQA accuracy is in percent, mean ± half the width of the 95 % interval over seeds. Differences are " +
    `percentage points to the baseline of ${first.name} after the same stage, at the same seeds and ` +
    "folds, with Student's 95 % interval, not adjusted for the number of comparisons." +
    (data.size > 1
      ? " Where the data differ, the questions do too, and a difference says little."
      : ""),
    table<typeof rows[number]>([
      { header: "Study", cell: ({ name }) => name },
      ...conditionColumns(rows),
      seedCount,
      intervalColumn("Accuracy", 1, ({ overall }) => overall),
      ...pointsColumns<typeof rows[number]>("Difference", ({ difference }) => difference),
    ], rows),
  ].join("\n\n");
}

/** Names of the studies by the hash that they have. */
function hashes(
  studies: readonly ComparedStudy[],
  pick: (study: StudyRecord) => string,
): Map<string, string[]> {
  const groups = Map.groupBy(studies, ({ study }) => pick(study));
  return new Map([...groups].map(([hash, group]) => [hash, group.map(({ name }) => name)]));
}

function listed(hashes: ReadonlyMap<string, readonly string[]>): string[] {
  return [...hashes].map(([hash, names]) => `${inWords(names)} has ${hash}`);
}

function sameness(what: string, hashes: ReadonlyMap<string, readonly string[]>): string {
  return hashes.size === 1
    ? `${what}: the same in all studies, \`${[...hashes.keys()][0]}\`.`
    : `${what}: **different**, ${inWords(listed(hashes))}.`;
}
