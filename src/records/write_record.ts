/** Writes a run's record into a study's folder. */
import { join } from "node:path";
import { replaceFile } from "../data/replace_file.ts";
import { packAnswers, type PackedAnswers } from "./packed_answers.ts";
import type { RunRecord } from "./record.ts";
import { withChecksum } from "./record_checksum.ts";

/** Writes `runs/NAME.json`, and the questions that it answers under `questions/`. */
export async function writeRecord(out: string, name: string, record: RunRecord): Promise<void> {
  const { questions, packed } = packAnswers(record.answers);
  // Before the record, which is of no use without them.
  const list = join(out, "questions", `${packed.questions}.json`);
  await replaceFile(list, `${JSON.stringify(questions)}\n`);
  await replaceFile(join(out, "runs", `${name}.json`), recordText(record, packed));
}

/** A record as JSON with its answers packed, one part of the embeddings' geometry a line, and a checksum. */
export function recordText(
  { answers: _, geometry, ...rest }: RunRecord,
  packed: PackedAnswers,
): string {
  const parts = (of: object) =>
    Object.entries(of).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(",\n");
  return withChecksum(
    `${JSON.stringify(rest, null, 1).slice(0, -2)}` +
      (geometry ? `,\n "geometry": {\n${parts(geometry)}\n }` : "") +
      `,\n "answers": {\n${parts(packed)}\n }\n}\n`,
  );
}
