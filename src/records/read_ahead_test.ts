/** Records read on several threads are those read on one; what cannot be read is left for a second look. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { exampleRun, exampleStudy } from "./example_records.ts";
import { packAnswers } from "./packed_answers.ts";
import { readAhead } from "./read_ahead.ts";
import { readRecords } from "./read_records.ts";
import { withChecksum } from "./record_checksum.ts";
import { runReader } from "./run_file.ts";

const COUNT = 23;

/** A study's folder with many runs. */
async function withRuns(test: (dir: string, names: string[]) => Promise<void>): Promise<void> {
  await inTempFolder(async (dir) => {
    for (const folder of ["runs", "questions"]) await Deno.mkdir(join(dir, folder));
    await Deno.writeTextFile(join(dir, "study.json"), JSON.stringify(exampleStudy()));
    const names = Array.from({ length: COUNT }, (_, i) => `${String(i).padStart(2, "0")}.json`);
    for (const [i, name] of names.entries()) {
      const run = exampleRun({ seed: i, color: i / COUNT });
      const { questions, packed } = packAnswers(
        run.answers.map((answer) => ({ ...answer, image: "picture" })),
      );
      const list = join(dir, "questions", `${packed.questions}.json`);
      await Deno.writeTextFile(list, JSON.stringify(questions));
      const text = withChecksum(`${JSON.stringify({ ...run, answers: packed }, null, 1)}\n`);
      await Deno.writeTextFile(join(dir, "runs", name), text);
    }
    await test(dir, names);
  });
}

for (const [helpers, chunk] of [[1, 1], [2, 4], [3, 100]]) {
  Deno.test(`${helpers} helpers and ${chunk} files at once give every record its place`, async () => {
    await withRuns(async (dir, names) => {
      const expected = runReader(dir)(names);
      assert.ok(expected.every((stored) => stored?.packed));
      assert.deepEqual(await readAhead(dir, names, { helpers, chunk }), expected);
    });
  });
}

Deno.test("what is damaged has no place, and the others keep theirs", async () => {
  await withRuns(async (dir, names) => {
    await Deno.writeTextFile(join(dir, "runs", names[7]), "{");
    const found = await readAhead(dir, names, { helpers: 2, chunk: 3 });
    assert.deepEqual(found.map((stored) => stored?.run.seed), [
      ...Array.from({ length: COUNT }, (_, i) => i === 7 ? undefined : i),
    ]);
    await assert.rejects(readRecords(dir), /07\.json" is not complete JSON/);
  });
});

Deno.test("few files are read without helpers", async () => {
  await withRuns(async (dir, names) => assert.deepEqual(await readAhead(dir, names), []));
});
