/**
 * Reads a study's records from its folder and writes the report beside them.
 */
import { dirname, join } from "node:path";
import type { Results, RunFailure, RunRecord, StudyRecord } from "../study/record.ts";
import { quoted } from "../data/one_line.ts";
import { replaceFile } from "../data/replace_file.ts";
import { keyText } from "./conditions.ts";
import { exampleAnswers } from "./example_answers.ts";
import { type ExportName, EXPORTS } from "./exports.ts";
import { readFailures } from "./failures.ts";
import { officialResults } from "./official_results.ts";
import { readAhead } from "./read_ahead.ts";
import { readRecord } from "./record_file.ts";
import { studyRecordSchema } from "./record_schema.ts";
import { renderReport, type Report } from "./report.ts";
import { buildResults, resultsText } from "./results.ts";
import { questionLists, readStoredRun, withAnswers } from "./run_file.ts";

/** The records of one study. */
export interface StudyRecords {
  /** What the runs share. */
  study: StudyRecord;
  /** In the order of their file names. */
  runs: RunRecord[];
  /** File names of the runs. */
  files: string[];
  /** Runs that have no record because they failed, in the order of their file names. */
  failures: RunFailure[];
}

/**
 * Reads `DIR/study.json` and `DIR/runs/*.json`, with the questions that these answer,
 * `DIR/questions/*.json`.
 *
 * @param onDamaged is told of a run's record that is damaged, which is passed over then
 * @throws {Deno.errors.NotFound} when the folder or its study record does not exist
 * @throws {SyntaxError} when a file is not JSON or not what was written, naming the file
 * @throws {TypeError} when a field is wrong, naming file and field
 * @throws {RangeError} when a run belongs to another study or stands there twice, or a file cannot be
 * read or is far too large
 */
export async function readRecords(
  dir: string,
  onDamaged?: (path: string) => void,
): Promise<StudyRecords> {
  const study = readRecord(join(dir, "study.json"), studyRecordSchema);
  const folder = join(dir, "runs");
  const questions = questionLists(dir);
  const paths = new Map<string, string>();
  const runs: RunRecord[] = [];
  const files: string[] = [];
  const names = jsonFiles(folder);
  const stored = await readAhead(dir, names);
  for (const [i, name] of names.entries()) {
    const path = join(folder, name);
    let run: RunRecord;
    try {
      run = withAnswers(stored[i] ?? readStoredRun(path, questions), questions);
    } catch (error) {
      if (!onDamaged || !(error instanceof SyntaxError)) throw error;
      onDamaged(path);
      continue;
    }
    if (run.study !== study.study) {
      throw new RangeError(
        `Cannot read records: "${path}" belongs to study ${quoted(run.study)}, not to ${
          quoted(study.study)
        }`,
      );
    }
    const key = keyText(run);
    const twin = paths.get(key);
    if (twin !== undefined) {
      throw new RangeError(
        `Cannot read records: "${twin}" and "${path}" are the same run`,
      );
    }
    paths.set(key, path);
    runs.push(run);
    files.push(name);
  }
  const failures = [...(await readFailures(dir)).values()];
  return { study, runs, files, failures };
}

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

/**
 * Reads one run's record.
 *
 * @throws {Error} as {@linkcode readRecords}
 */
export function readRunRecord(path: string): RunRecord {
  const questions = questionLists(dirname(dirname(path)));
  return withAnswers(readStoredRun(path, questions), questions);
}

/** Names of the folder's JSON files in code-unit order; a folder that does not exist has none. */
function jsonFiles(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ name, isFile }) =>
      isFile && name.endsWith(".json")
    ).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
