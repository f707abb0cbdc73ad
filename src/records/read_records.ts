/** Reads a study's records from its folder. */
import { dirname, join } from "node:path";
import { quoted } from "../data/one_line.ts";
import { readFailures } from "./failures.ts";
import { readAhead } from "./read_ahead.ts";
import type { RunFailure, RunRecord, StudyRecord } from "./record.ts";
import { readRecord } from "./record_file.ts";
import { studyRecordSchema } from "./record_schema.ts";
import { questionLists, readStoredRun, withAnswers } from "./run_file.ts";
import { keyText } from "./run_key.ts";

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
