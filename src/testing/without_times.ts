/** What two executions of one study must agree in: everything but the time that they took. */
import { join } from "node:path";
import { readRecords, type StudyRecords } from "../records/read_records.ts";
import { renderReport } from "../report/report.ts";

/** A study's folder without times. */
export interface Timeless extends StudyRecords {
  /** `results.json` as it stands there. */
  results: unknown;
  /** The report of these records. */
  markdown: string;
}

/** Reads the records and results of a study's folder. */
export async function withoutTimes(folder: string): Promise<Timeless> {
  const { study, runs, files, failures } = await readRecords(folder);
  const timeless = runs.map((run) => ({ ...run, seconds: { train: 0, evaluate: 0 } }));
  const results = await Deno.readTextFile(join(folder, "results.json"));
  return {
    ...{ study, files, failures, runs: timeless },
    results: JSON.parse(results, (key, value) => key === "seconds" ? undefined : value),
    markdown: renderReport(study, timeless).markdown,
  };
}
