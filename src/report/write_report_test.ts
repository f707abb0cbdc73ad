import assert from "node:assert/strict";
import { join } from "node:path";
import { exampleRun, exampleRuns, exampleStudy } from "../records/example_records.ts";
import { readRecords } from "../records/read_records.ts";
import { RUN_ROLES, type RunRecord, type StudyRecord } from "../records/record.ts";
import { named, withRecords } from "../testing/record_folder.ts";
import { renderReport } from "./report.ts";
import { writeAnswers, writeReport } from "./write_report.ts";

Deno.test("the report is written beside the records and depends on nothing else", async () => {
  const study = exampleStudy(), runs = exampleRuns([1, 2]);
  const outputs: string[][] = [];
  for (let i = 0; i < 2; i++) {
    await withRecords(study, named(runs), async (dir) => {
      await writeReport(dir);
      await writeReport(dir);
      const { markdown, figures } = renderReport(study, runs);
      const read = (...path: string[]) => Deno.readTextFile(join(dir, ...path));
      assert.equal(await read("REPORT.md"), markdown);
      for (const [file, svg] of Object.entries(figures)) {
        assert.equal(await read("figures", file), svg);
      }
      const results = JSON.parse(await read("results.json"));
      assert.equal(results.runs.length, runs.length);
      assert.equal(results.schemaVersion, study.schemaVersion);
      const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
      assert.deepEqual(names, ["REPORT.md", "figures", "results.json", "runs", "study.json"]);
      outputs.push([await read("REPORT.md"), await read("results.json")]);
      assert.ok(!outputs[i].join().includes(dir));
    });
  }
  assert.deepEqual(outputs[0], outputs[1]);
});

Deno.test("every role passes through the records, and no other", async () => {
  const runs = Object.fromEntries(
    RUN_ROLES.map((role) => [
      `${role}.json`,
      exampleRun({ role, arm: role === "arm" ? "baseline" : role }),
    ]),
  );
  const study = exampleStudy({ folds: { count: 3, by: "question" }, planned: Object.values(runs) });
  await withRecords(study, runs, async (dir) => {
    const { runs: read, study: readStudy } = await readRecords(dir);
    assert.deepEqual(read.map(({ role }) => role).sort(), [...RUN_ROLES].sort());
    assert.deepEqual(readStudy.folds, { count: 3, by: "question" });
    const { results, markdown } = await writeReport(dir);
    assert.deepEqual(results.runs.map(({ role }) => role), RUN_ROLES);
    for (const role of RUN_ROLES.slice(1)) assert.match(markdown, new RegExp(`^\\| ${role} `, "m"));
  });
  const other = { ...exampleRun(), role: "random-tokenizer" } as unknown as RunRecord;
  await withRecords(exampleStudy(), { "a.json": other }, async (dir) => {
    await assert.rejects(readRecords(dir), /field "role": /);
  });
});

Deno.test("a measurement that was not finite survives the way through JSON", async () => {
  const run = exampleRun();
  run.losses.testTokenLoss = NaN;
  await withRecords(exampleStudy(), { "a.json": run }, async (dir) => {
    const { markdown } = await writeReport(dir);
    assert.match(markdown, /not finite/);
    assert.doesNotMatch(markdown, /NaN/);
  });
});

Deno.test("fields that this version does not know are kept in the results", async () => {
  const run = { ...exampleRun(), note: "from a later version" };
  await withRecords(exampleStudy(), { "a.json": run }, async (dir) => {
    const { results } = await writeReport(dir);
    assert.equal((results.runs[0] as unknown as { note: string }).note, "from a later version");
  });
});

const broken: [string, StudyRecord | string, Record<string, RunRecord | string>, RegExp][] = [
  [
    "a truncated run",
    exampleStudy(),
    { "a.json": JSON.stringify(exampleRun()).slice(0, 200) },
    /^SyntaxError: Cannot read record: ".*runs.a\.json" is not complete JSON \(.+\)$/,
  ],
  [
    "an empty study",
    "",
    {},
    /^SyntaxError: Cannot read record: ".*study\.json" is not complete JSON/,
  ],
  ["a wrong field", exampleStudy(), {
    "a.json": { ...exampleRun(), seed: "one" } as unknown as RunRecord,
  }, /^TypeError: Cannot read record: ".*a\.json" field "seed": expected number, received string$/],
  ["a stage that leads to another folder", exampleStudy(), {
    "a.json": exampleRun({ stage: "../../all" }),
  }, /a\.json" field "stage": must have no \/ or \\$/],
  ["a missing nested field", exampleStudy(), {
    "a.json": { ...exampleRun(), losses: {} } as unknown as RunRecord,
  }, /field "losses\.[a-zA-Z]+": /],
  ["an accuracy in percent", exampleStudy(), {
    "a.json": { ...exampleRun(), accuracy: { overall: 93, byType: {} } },
  }, /field "accuracy\.overall": /],
  [
    "a layout of another version",
    { ...exampleStudy(), schemaVersion: 99 },
    {},
    /study\.json" field "schemaVersion": /,
  ],
  [
    "a run of another study",
    exampleStudy(),
    { "a.json": exampleRun({ study: "other" }) },
    /a\.json" belongs to study "other", not to "example"$/,
  ],
  [
    "the same run twice",
    exampleStudy(),
    { "a.json": exampleRun(), "b.json": exampleRun() },
    /a\.json" and ".*b\.json" are the same run$/,
  ],
  [
    "no run",
    exampleStudy(),
    {},
    /^RangeError: Cannot report study "example": it has no finished run$/,
  ],
];
for (const [what, study, runs, message] of broken) {
  Deno.test(`${what} gives one line that names it, and leaves the old report alone`, async () => {
    await withRecords(study, runs, async (dir) => {
      await Deno.writeTextFile(join(dir, "REPORT.md"), "the old one");
      await assert.rejects(writeReport(dir), (error: Error) => {
        assert.match(String(error), message);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
      assert.equal(await Deno.readTextFile(join(dir, "REPORT.md")), "the old one");
    });
  });
}

Deno.test("answers are written as official results, a file a run by the record's name", async () => {
  const study = exampleStudy({ data: { ...exampleStudy().data, name: "vqa-v2" } });
  const answers = [{ id: "42000", answer: "red", correct: false, score: 0.3 }];
  const runs = [exampleRun({ answers }), exampleRun({ seed: 2, answers: [] })];
  await withRecords(study, named(runs), async (dir) => {
    assert.deepEqual(await writeAnswers(dir), ["0.json", "1.json"]);
    const read = async (name: string) =>
      JSON.parse(await Deno.readTextFile(join(dir, "answers", name)));
    assert.deepEqual(await read("0.json"), [{ question_id: 42000, answer: "red" }]);
    assert.deepEqual(await read("1.json"), []);
    assert.deepEqual((await readRecords(dir)).runs, runs, "they are no records");
  });
});
