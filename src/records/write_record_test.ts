import assert from "node:assert/strict";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { packAnswers, unpackAnswers } from "../records/packed_answers.ts";
import { recordText } from "./write_record.ts";

Deno.test("a record's text is the record again, its answers packed", () => {
  for (const count of [0, 1, 3]) {
    const answers = Array.from({ length: count }, (_, i) => ({
      ...{ id: `test/${i}`, image: "test", answer: '"quoted"\n', correct: i === 1 },
    }));
    const record = exampleRun({ answers, ...(count > 0 && { geometry: exampleGeometry() }) });
    const { packed, questions } = packAnswers(answers);
    const { sha256: _, ...read } = JSON.parse(recordText(record, packed));
    assert.deepEqual({ ...read, answers: unpackAnswers(read.answers, questions) }, record);
  }
});
