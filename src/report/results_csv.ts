/**
 * `results.csv`: a row a run, for programs that read tables.
 */
import type { RunRecord } from "../records/record.ts";
import { sortRuns } from "./conditions.ts";
import { csv, type CsvValue } from "./csv.ts";

/** What of a record is exported, in the order of the columns; lists are not. */
const FIELDS = [
  "role",
  "arm",
  "connector",
  "objective",
  "lambda",
  "seed",
  "fold",
  "round",
  "stage",
  "steps",
  "parameters",
  "accuracy",
  "overlap",
  "losses",
  "embedding",
  "geometry",
  "seconds",
  "weightsSha256",
] as const satisfies readonly (keyof RunRecord)[];

/**
 * All runs as comma-separated values, controls too, in the report's order. A column is called by the
 * path of its field in the run's record, such as `embedding.effectiveRank`; shares are from 0 to 1,
 * losses in nats. A field that a run does not have is empty, one that was not finite is `NaN`.
 *
 * @param runs finished runs of a study, in any order
 *
 * @example
 * ```ts
 * import { exampleRun } from "../records/example_records.ts";
 * import { resultsCsv } from "./results_csv.ts";
 * import assert from "node:assert/strict";
 *
 * const [header, row] = resultsCsv([exampleRun()]).split("\n");
 * assert.ok(header.startsWith("role,arm,connector,objective,lambda,seed,fold,round,stage"));
 * assert.ok(row.startsWith("arm,baseline,mlp,none,0,1,0,0,joint"));
 * ```
 */
export function resultsCsv(runs: readonly RunRecord[]): string {
  const rows = sortRuns(runs).map((run) =>
    FIELDS.map((field) => new Map(leaves(field, { ...run, round: run.round ?? 0 }[field])))
  );
  const columns = FIELDS.flatMap((_, field) =>
    [...new Set(rows.flatMap((row) => [...row[field].keys()]))].map((path) => ({ field, path }))
  );
  return csv(
    columns.map(({ path }) => path),
    rows.map((row) => columns.map(({ field, path }) => row[field].get(path))),
  );
}

/** The single values below a field, by their paths. */
function leaves(path: string, value: unknown): [path: string, value: CsvValue][] {
  if (Array.isArray(value) || value === undefined) return [];
  if (typeof value !== "object" || value === null) return [[path, value as CsvValue]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${path}.${name}`, inner));
}
