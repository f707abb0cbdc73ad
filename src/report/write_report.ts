/** Writes a study's report beside its records. */
import { join } from "node:path";
import { replaceFile } from "../data/replace_file.ts";
import { readRecords } from "../records/read_records.ts";
import type { Results, RunRecord } from "../records/record.ts";
import { exampleAnswers } from "./example_answers.ts";
import { type ExportName, EXPORTS } from "./exports.ts";
import { officialResults } from "./official_results.ts";
import { renderReport, type Report } from "./report.ts";
import { buildResults, resultsText } from "./results.ts";

/**
 * Rebuilds `REPORT.md`, `results.json` and `figures/*.svg` in a study's folder from its records.
 * Every file is replaced in one step, so an interruption leaves the old one or the new one.
 *
 * @param exported what else is written beside them
 * @param check is given the runs before anything is written; what it throws is thrown
 * @throws {Error} as {@linkcode readRecords}
 * @throws {RangeError} when there is no run
 */
export async function writeReport(
  dir: string,
  exported: readonly ExportName[] = [],
  check?: (runs: readonly RunRecord[]) => void,
): Promise<Report & { results: Results }> {
  const { study, runs, failures } = await readRecords(dir);
  check?.(runs);
  const results = buildResults(study, runs);
  // Written while the rest is rendered.
  const writing = replaceFile(join(dir, "results.json"), resultsText(results));
  const rendering = exampleAnswers(study, runs).then((examples) =>
    renderReport(study, runs, examples, failures)
  );
  const [report] = await Promise.all([rendering, writing]);
  await Deno.mkdir(join(dir, "figures"), { recursive: true });
  for (const [file, svg] of Object.entries(report.figures)) {
    await replaceFile(join(dir, "figures", file), svg);
  }
  await replaceFile(join(dir, "REPORT.md"), report.markdown);
  for (const name of exported) {
    const { file, render } = EXPORTS[name];
    await replaceFile(join(dir, file), render({ study, runs, report }));
  }
  return { ...report, results };
}

/**
 * Writes the answers of every run as official VQA results: `answers/NAME.json` for `runs/NAME.json`.
 *
 * @returns the names of the files
 * @throws {Error} as {@linkcode readRecords}
 */
export async function writeAnswers(dir: string): Promise<string[]> {
  const { study, runs, files } = await readRecords(dir);
  await Deno.mkdir(join(dir, "answers"), { recursive: true });
  for (const [i, run] of runs.entries()) {
    const results = officialResults(study.data.name, run.answers);
    await replaceFile(join(dir, "answers", files[i]), JSON.stringify(results) + "\n");
  }
  return files;
}
