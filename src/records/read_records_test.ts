import assert from "node:assert/strict";
import { join } from "node:path";
import { named, withRecords } from "../testing/record_folder.ts";
import { exampleRun, exampleRuns, exampleStudy } from "./example_records.ts";
import { packAnswers } from "./packed_answers.ts";
import { readRecords, readRunRecord } from "./read_records.ts";
import type { RunRecord } from "./record.ts";

Deno.test("records come back as they were written", async () => {
  const study = exampleStudy({ planned: [] }), runs = exampleRuns([1]);
  await withRecords(study, { ...named(runs), "4.json.tmp": "{", "notes.txt": "" }, async (dir) => {
    const files = runs.map((_, i) => `${i}.json`);
    assert.deepEqual(await readRecords(dir), { study, runs, files, failures: [] });
  });
});

Deno.test("a folder that is no study is named", async () => {
  await assert.rejects(
    readRecords("no/such/folder"),
    /Cannot read record: "no.such.folder.study\.json" does not exist/,
  );
});

Deno.test("scores and overlap of words come back as they were written", async () => {
  const answers = [{ id: "1", answer: "red", correct: false, score: 0.3 }];
  const runs = [exampleRun({ answers, overlap: { exactMatch: 0, tokenF1: 0.5, bleu1: 0.25 } })];
  await withRecords(exampleStudy(), named(runs), async (dir) => {
    assert.deepEqual((await readRecords(dir)).runs, runs);
  });
});

Deno.test("packed answers are read with the questions that stand beside the runs", async () => {
  const answers = [
    { id: "1", image: "a", answer: "red", correct: true },
    { id: "2", image: "a", answer: "blue", correct: false },
  ];
  const { packed, questions } = packAnswers(answers);
  const record = exampleRun({ answers: packed as never });
  await withRecords(exampleStudy(), named([record]), async (dir) => {
    const path = join(dir, "runs", "0.json");
    const list = join(dir, "questions", `${packed.questions}.json`);
    await assert.rejects(readRecords(dir), {
      name: "NotFound",
      message: `Cannot read record: "${list}" does not exist`,
    });
    await Deno.mkdir(join(dir, "questions"));
    await Deno.writeTextFile(list, JSON.stringify(questions));
    assert.deepEqual((await readRecords(dir)).runs, [exampleRun({ answers })]);
    assert.deepEqual(readRunRecord(path), exampleRun({ answers }));

    await Deno.writeTextFile(list, JSON.stringify([["a", ["2", "1"]]]));
    await assert.rejects(readRecords(dir), {
      name: "SyntaxError",
      message: `Cannot read record: "${list}" is damaged (its name is another hash)`,
    });
    const broken = { ...record, answers: { ...packed, correct: "?" } };
    await Deno.writeTextFile(path, JSON.stringify(broken));
    await assert.rejects(
      readRecords(dir),
      (error: Error) =>
        error.message.startsWith(`Cannot read record: "${path}" field "answers.correct": `),
    );
  });
});

Deno.test("of records that cannot be used only damaged ones are passed over, and each is told of", async () => {
  const good = exampleRun();
  const damaged = { "a.json": good, "b.json": '{ "arm":' };
  await withRecords(exampleStudy(), damaged, async (dir) => {
    const told: string[] = [];
    const { runs, files } = await readRecords(dir, (path) => told.push(path));
    assert.deepEqual([runs, files], [[good], ["a.json"]]);
    assert.deepEqual(told, [join(dir, "runs", "b.json")]);
    await assert.rejects(readRecords(dir), SyntaxError);
  });
  const wrong = { ...good, seed: "one" } as unknown as RunRecord;
  await withRecords(exampleStudy(), { "a.json": good, "b.json": wrong }, async (dir) => {
    await assert.rejects(readRecords(dir, () => assert.fail("it is not damaged")), TypeError);
  });
});
