/**
 * A run's record in its file, `DIR/runs/NAME.json`, and the questions that it answers,
 * `DIR/questions/HASH.json`.
 */
import { join } from "node:path";
import { z } from "zod";
import {
  checkAnswers,
  hashQuestions,
  type PackedAnswers,
  packedAnswersSchema,
  type QuestionList,
  questionListSchema,
  unpackAnswers,
} from "./packed_answers.ts";
import type { RunRecord } from "./record.ts";
import { isIntact } from "./record_checksum.ts";
import { readJson, readRecord, validate } from "./record_file.ts";
import { runRecordSchema } from "./record_schema.ts";

/** A record whose answers may still be packed: plain data, which can be sent to another thread. */
export interface StoredRun {
  /** Its answers are empty where they are packed. */
  run: RunRecord;
  /** Absent in older records. */
  packed?: PackedAnswers;
}

/** Lists of questions by their hash. */
export type Questions = (hash: string) => QuestionList;

const packedSchema = z.object({ answers: packedAnswersSchema });

/** Reads a study's lists of questions, each once, when it is asked for. */
export function questionLists(dir: string): Questions {
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

/**
 * Reads and checks a run's record, its answers included.
 *
 * @throws {Error} as {@linkcode readRecord}
 * @throws {SyntaxError} when it or its list of questions is damaged
 * @throws {RangeError} when its answers are not those to its questions
 */
export function readStoredRun(path: string, questions: Questions): StoredRun {
  const { text, value } = readJson(path);
  if (!isIntact(text)) {
    throw new SyntaxError(`Cannot read record: "${path}" is damaged (its checksum is another)`);
  }
  const record = (value ?? {}) as Partial<RunRecord> & { sha256?: string };
  // It is of the file, and no part of what that says.
  delete record.sha256;
  if (typeof record.answers !== "object" || Array.isArray(record.answers)) {
    return { run: validate(path, record, runRecordSchema) };
  }
  const { answers: packed } = validate(path, record, packedSchema);
  const list = questions(packed.questions);
  record.answers = [];
  const run = validate(path, record, runRecordSchema);
  try {
    checkAnswers(packed, list);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot read record: "${path}": ${error.message}`);
  }
  return { run, packed };
}

/**
 * Reads runs of a study by their file names; undefined stands for one that cannot be read.
 *
 * @param dir the study's folder
 */
export function runReader(dir: string): (names: readonly string[]) => (StoredRun | undefined)[] {
  const questions = questionLists(dir);
  const read = (name: string): StoredRun | undefined => {
    try {
      return readStoredRun(join(dir, "runs", name), questions);
    } catch {
      return undefined;
    }
  };
  return (names) => names.map(read);
}

/**
 * Gives the record its answers, which are unpacked whenever they are asked for: those of all runs would
 * fill the memory.
 */
export function withAnswers({ run, packed }: StoredRun, questions: Questions): RunRecord {
  if (!packed) return run;
  const list = questions(packed.questions);
  return Object.defineProperty(run, "answers", {
    get: () => unpackAnswers(packed, list),
    enumerable: true,
    configurable: true,
  });
}
