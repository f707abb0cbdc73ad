/**
 * `results.json`: the report's machine-readable twin.
 */
import {
  type Results,
  type RunRecord,
  SCHEMA_VERSION,
  type StudyRecord,
} from "../records/record.ts";
import { sortRuns } from "./conditions.ts";

/**
 * Gathers the records of a study: the runs of arms and controls in the report's order, without
 * answers and the points of figures, which stay in the run records.
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
    runs: sorted.map(withoutLists),
    controls: { majority: study.majority },
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
