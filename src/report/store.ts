/**
 * Reads a study's records from its folder and writes the report beside them.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import {
  checkAnswers,
  hashQuestions,
  packedAnswersSchema,
  type QuestionList,
  questionListSchema,
  unpackAnswers,
} from "./packed_answers.ts";
import type { Results, RunFailure, RunRecord, StudyRecord } from "../study/record.ts";
import { decodeUtf8, parseJson } from "../data/json.ts";
import { oneLine, quoted } from "../data/one_line.ts";
import { readWholeSync } from "../data/read_whole.ts";
import { replaceFile } from "../data/replace_file.ts";
import { exampleAnswers } from "./example_answers.ts";
import { type ExportName, EXPORTS } from "./exports.ts";
import { readFailures } from "./failures.ts";
import { officialResults } from "./official_results.ts";
import { isIntact } from "./record_checksum.ts";
import { runRecordSchema, studyRecordSchema } from "./record_schema.ts";
import { renderReport, type Report } from "./report.ts";
import { buildResults } from "./results.ts";

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
  for (const name of await jsonFiles(folder)) {
    const path = join(folder, name);
    let run: RunRecord;
    try {
      run = readRun(path, questions);
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
    const key = JSON.stringify([
      run.role,
      run.arm,
      run.lambda,
      run.seed,
      run.fold,
      run.round ?? 0,
      run.stage,
    ]);
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
 * @throws {Error} as {@linkcode readRecords}
 * @throws {RangeError} when there is no run
 */
export async function writeReport(
  dir: string,
  exported: readonly ExportName[] = [],
): Promise<Report & { results: Results }> {
  const { study, runs, failures } = await readRecords(dir);
  const results = buildResults(study, runs);
  const report = renderReport(study, runs, await exampleAnswers(study, runs), failures);
  await Deno.mkdir(join(dir, "figures"), { recursive: true });
  for (const [file, svg] of Object.entries(report.figures)) {
    await replaceFile(join(dir, "figures", file), svg);
  }
  await replaceFile(
    join(dir, "results.json"),
    JSON.stringify(results, null, 2) + "\n",
  );
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
  return readRun(path, questionLists(dirname(dirname(path))));
}

const packedSchema = z.object({ answers: packedAnswersSchema });

/** Reads lists of questions by their hash, each once. */
function questionLists(dir: string): (hash: string) => QuestionList {
  const lists = new Map<string, QuestionList>();
  return (hash) => {
    const list = lists.get(hash) ?? readQuestions(join(dir, "questions", `${hash}.json`), hash);
    lists.set(hash, list);
    return list;
  };
}

function readQuestions(path: string, hash: string): QuestionList {
  const list = readRecord(path, questionListSchema);
  if (hashQuestions(list) === hash) return list;
  throw new SyntaxError(`Cannot read record: "${path}" is damaged (its name is another hash)`);
}

/** Older records hold their answers as they are. The checksum is of the file, and no part of what it says. */
function readRun(path: string, questions: (hash: string) => QuestionList): RunRecord {
  const { text, value } = readJson(path);
  if (!isIntact(text)) {
    throw new SyntaxError(`Cannot read record: "${path}" is damaged (its checksum is another)`);
  }
  const { sha256: _, ...record } = (value ?? {}) as Partial<RunRecord> & { sha256?: string };
  const { answers } = record;
  if (typeof answers !== "object" || Array.isArray(answers)) {
    return validate(path, record, runRecordSchema);
  }
  const { answers: packed } = validate(path, record, packedSchema);
  const list = questions(packed.questions);
  try {
    const { answers: _none, ...run } = validate(path, { ...record, answers: [] }, runRecordSchema);
    checkAnswers(packed, list);
    return {
      ...run,
      // Again whenever they are asked for: those of all runs would fill the memory.
      get answers() {
        return unpackAnswers(packed, list);
      },
    };
  } catch (error) {
    if (error instanceof RangeError) {
      throw new RangeError(`Cannot read record: "${path}": ${error.message}`);
    }
    throw error;
  }
}

function readRecord<T>(path: string, schema: z.ZodType<T>): T {
  return validate(path, readJson(path).value, schema);
}

function validate<T>(path: string, record: unknown, schema: z.ZodType<T>): T {
  const { success, data, error } = schema.safeParse(record);
  if (success) return data;
  const { path: field, message } = error.issues[0];
  const what = message.replace(/^Invalid input: /, "");
  throw new TypeError(
    `Cannot read record: "${path}" field "${oneLine(field.join("."))}": ${oneLine(what)}`,
  );
}

/** Synchronous: a folder may have very many, each so small that waiting for it costs more than reading it. */
function readJson(path: string): { text: string; value: unknown } {
  let bytes: Uint8Array;
  try {
    bytes = readWholeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read record: "${path}" does not exist`);
    }
    throw new RangeError(`Cannot read record: "${path}": ${oneLine(error)}`, { cause: error });
  }
  try {
    const text = decodeUtf8(bytes);
    return { text, value: parseJson(text) };
  } catch (error) {
    throw new SyntaxError(
      `Cannot read record: "${path}" is not complete JSON (${oneLine(error)})`,
      { cause: error },
    );
  }
}

/** Names of the folder's JSON files in code-unit order; a folder that does not exist has none. */
async function jsonFiles(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ name, isFile }) => isFile && name.endsWith(".json")).map(({ name }) =>
      name
    ).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
