/**
 * `results.json`: the report's machine-readable twin.
 */
import {
  type Accuracy,
  type Results,
  type RunRecord,
  SCHEMA_VERSION,
  type StudyRecord,
} from "../study/record.ts";
import { type Condition, groupRuns, questionTypes, sortRuns } from "./conditions.ts";

/**
 * Gathers the records of a study. The arms' runs are in the report's order and without their
 * answers and the points of figures, which stay in the run records; the controls' runs are summed up under `controls`.
 *
 * @throws {RangeError} when there is no run
 */
export function buildResults(
  study: StudyRecord,
  runs: readonly RunRecord[],
): Results {
  if (runs.length === 0) {
    throw new RangeError(
      `Cannot report study "${study.study}": it has no finished run`,
    );
  }
  const sorted = sortRuns(runs);
  return {
    schemaVersion: SCHEMA_VERSION,
    study: study.study,
    adapter: sorted[0].adapter,
    runs: sorted.filter(({ role }) => role === "arm").map(withoutLists),
    controls: {
      questionOnly: questionOnlyAccuracy(groupRuns(sorted)),
      majority: study.majority,
    },
  };
}

/** The results as JSON, a line a run: a study may have very many. */
export function resultsText({ runs, ...rest }: Results): string {
  const line = (value: unknown) => JSON.stringify(value);
  const fields = Object.entries(rest).map(([key, value]) => `  ${line(key)}: ${line(value)}`);
  const list = runs.map((run) => `    ${line(run)}`).join(",\n");
  return `{\n${fields.join(",\n")},\n  "runs": [\n${list}\n  ]\n}\n`;
}

/** Answers and the points of figures stay in the run's record. */
function withoutLists(record: RunRecord): Results["runs"][number] {
  const run = omit(record, ["answers", "geometry"]);
  const { geometry } = record;
  if (geometry === undefined) return run;
  return { ...run, geometry: omit(geometry, ["cosines", "spectrum", "map"]) };
}

/** A copy without some fields. Destructuring would read them, and answers are unpacked when read. */
function omit<Value extends object, Key extends keyof Value>(
  value: Value,
  left: readonly Key[],
): Omit<Value, Key> {
  const kept: Partial<Value> = {};
  for (const key of Object.keys(value) as Key[]) {
    if (!left.includes(key)) kept[key] = value[key];
  }
  return kept as Omit<Value, Key>;
}

/** Mean over the seeds of the question-only control; null where it did not run. */
function questionOnlyAccuracy(
  conditions: readonly Condition[],
): Accuracy | null {
  const accuracies = conditions
    .filter(({ role }) => role === "question-only")
    .flatMap(({ replicates }) => replicates.map(({ accuracy }) => accuracy));
  if (accuracies.length === 0) return null;
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    overall: mean(accuracies.map(({ overall }) => overall)),
    byType: Object.fromEntries(
      questionTypes(accuracies).map((type) => {
        const seeds = accuracies.flatMap(({ byType }) =>
          Object.hasOwn(byType, type) ? [byType[type]] : []
        );
        return [type, {
          accuracy: mean(seeds.map(({ accuracy }) => accuracy)),
          n: seeds[0].n,
        }];
      }),
    ),
  };
}
