import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultPlan } from "../gpu/plan.ts";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { packAnswers } from "../records/packed_answers.ts";
import { readRecords } from "../records/read_records.ts";
import type { RunRecord } from "../records/record.ts";
import { recordText } from "../records/write_record.ts";
import type { AblationSetting } from "../study/determinants.ts";
import { freezeSettings } from "../study/frozen_settings.ts";
import { expandGrid, runName } from "../study/grid.ts";
import { takeLease } from "../study/lease.ts";
import { runRecord } from "../study/run_record.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { assertIdle, checkRecords, moveAside, openOutFolder } from "./out_folder.ts";

const study = tinyStudy();
const runs = expandGrid(study);
const plan = defaultPlan("image", true);
const { adapter } = exampleRun();
const setting = {
  study,
  dataset: { name: "easy-shapes", contentHash: "d0" },
  encoder: { name: "patches", contentHash: "e0" },
  language: { name: "random", contentHash: null },
  engine: { plan },
  adapter,
  runs,
} as AblationSetting;

/** What a stage measured, but for its name. */
const { steps, parameters, accuracy, losses, embedding, answers, weightsSha256, seconds } =
  exampleRun();
const outcome = { steps, parameters, accuracy, losses, embedding, answers, weightsSha256, seconds };

const record = (index: number): RunRecord =>
  runRecord(setting, runs[index], { ...outcome, stage: runs[index].stages[0].name });

const silent = () => {};

/** A run's record in its folder. */
const recordFile = (index: number) => `runs/${runName(runs[index])}.json`;

/** A folder for records, in a temporary one; every file of it by its path. */
async function inFolder(
  check: (out: string, files: () => Promise<Record<string, string>>) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    const out = join(dir, "out");
    const files = async () => {
      const found: Record<string, string> = {};
      for (const folder of [".", "runs"]) {
        for await (const { name, isFile } of Deno.readDir(join(out, folder))) {
          if (isFile) found[join(folder, name)] = await Deno.readTextFile(join(out, folder, name));
        }
      }
      return found;
    };
    await check(out, files);
  });
}

async function fill(out: string, files: Record<string, unknown>): Promise<void> {
  await Deno.mkdir(join(out, "runs"), { recursive: true });
  for (const [name, value] of Object.entries(files)) {
    await Deno.writeTextFile(
      join(out, name),
      typeof value === "string" ? value : JSON.stringify(value),
    );
  }
}

const studyFile = exampleStudy({ study: study.name });

Deno.test("a new folder is made, with its parents, and holds nothing", async () => {
  await inFolder(async (out, files) => {
    assert.deepEqual(await openOutFolder(join(out, "deep"), setting, silent), new Set());
    assert.deepEqual(await openOutFolder(out, setting, silent), new Set());
    assert.deepEqual(await files(), {});
  });
});

Deno.test("runs with a record are found", async () => {
  await inFolder(async (out) => {
    await fill(out, {
      "study.json": studyFile,
      [recordFile(1)]: record(1),
      [recordFile(5)]: record(5),
    });
    assert.deepEqual(await openOutFolder(out, setting, silent), new Set([runs[1], runs[5]]));
  });
});

const name = recordFile(0);
const BAD: [what: string, files: Record<string, unknown>, message: RegExp][] = [
  [
    "a record that is null",
    { "study.json": studyFile, [name]: "null" },
    /baseline_lambda-0_seed-1.json" field/,
  ],
  ["a record that lacks a field", {
    "study.json": studyFile,
    [name]: { ...record(0), answers: undefined },
  }, /field "answers"/],
  [
    "a truncated study",
    { "study.json": "{", [name]: record(0) },
    /study.json" is not complete JSON/,
  ],
  ["records without their study", { [name]: record(0) }, /study.json" does not exist/],
  [
    "another study",
    { "study.json": exampleStudy({ study: "other" }) },
    /holds study "other", not "tiny"/,
  ],
  ["a record with other settings", {
    "study.json": studyFile,
    [name]: { ...record(0), config: {} },
  }, /was made with other settings/],
];

for (const [what, contents, message] of BAD) {
  Deno.test(`${what} is refused in one line that says what to do, and stays as it is`, async () => {
    await inFolder(async (out, files) => {
      await fill(out, contents);
      const before = await files();
      await assert.rejects(openOutFolder(out, setting, silent), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^Cannot [^\n]*; choose another --out or add --fresh$/);
        return true;
      });
      assert.deepEqual(await files(), before);
    });
  });
}

Deno.test("a folder that was begun with other settings is refused before it has a record", async () => {
  await inFolder(async (out, files) => {
    await Deno.mkdir(out);
    await freezeSettings(out, setting);
    assert.deepEqual(await openOutFolder(out, setting, silent), new Set());
    const before = await files();
    const other = { ...setting, from: "ab" };
    await assert.rejects(openOutFolder(out, other, silent), {
      name: "RangeError",
      message: `Cannot go on: "${join(out, "settings.json")}" has other settings ` +
        '(config.from was undefined, is "ab"); choose another --out or add --fresh',
    });
    assert.deepEqual(await files(), before);
  });
});

Deno.test("before a report all records are compared once more", async () => {
  await inFolder(async (out) => {
    await fill(out, { "study.json": studyFile, [name]: record(0) });
    checkRecords(setting, (await readRecords(out)).runs);
    await fill(out, { [recordFile(1)]: { ...record(1), engine: 0 } });
    const { runs: left } = await readRecords(out);
    assert.throws(() => checkRecords(setting, left), {
      name: "RangeError",
      message: `Cannot write report: record "${runName(runs[1])}.json" was made with other ` +
        "settings (engine was 0, is 1); move it away, and the same command does its run again",
    });
  });
});

Deno.test("a damaged record gets another name, which is said, and its run is done again", async () => {
  const { questions, packed } = packAnswers(
    record(0).answers.map((answer) => ({ image: "a", ...answer })),
  );
  const text = recordText(record(0), packed);
  const DAMAGED = {
    empty: "",
    truncated: text.slice(0, 500),
    "with another digit": text.replace('"seed": 1', '"seed": 2'),
  };
  for (const [what, contents] of Object.entries(DAMAGED)) {
    await inFolder(async (out, files) => {
      await fill(out, { "study.json": studyFile, [name]: contents, [recordFile(1)]: record(1) });
      await Deno.mkdir(join(out, "questions"));
      await Deno.writeTextFile(
        join(out, "questions", `${packed.questions}.json`),
        JSON.stringify(questions),
      );
      const said: string[] = [];
      const finished = await openOutFolder(out, setting, (line) => said.push(line));
      assert.deepEqual(finished, new Set([runs[1]]), what);
      const file = `${runName(runs[0])}.json`;
      assert.deepEqual(said, [
        `Record "${file}" is damaged and is now "${file}.damaged"; its run is done again`,
      ]);
      assert.equal((await files())[`${name}.damaged`], contents);
    });
  }
});

Deno.test("a file in the way is refused by its name, and stays", async () => {
  await inFolder(async (out) => {
    await Deno.writeTextFile(out, "mine");
    await assert.rejects(openOutFolder(out, setting, silent), (error: Error) => {
      assert.ok(error.message.startsWith(`Cannot write to folder "${out}": `));
      return true;
    });
    assert.equal(await moveAside(out), null);
    assert.equal(await Deno.readTextFile(out), "mine");
  });
});

Deno.test("records are moved aside whole, and what is no folder of records is left", async () => {
  await inFolder(async (out, files) => {
    assert.equal(await moveAside(out), null);
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "thesis.txt"), "mine");
    assert.equal(await moveAside(out), null);
    await fill(out, { "study.json": studyFile, [name]: record(0) });
    const before = await files();
    const to = await moveAside(out);
    assert.ok(to?.startsWith(`${out}.`));
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
    await Deno.rename(to!, out);
    assert.deepEqual(await files(), before);
  });
});

for (const frozen of ["plan.json", "settings.json"]) {
  Deno.test(`${frozen} without records is moved aside too`, async () => {
    await inFolder(async (out) => {
      await fill(out, { [frozen]: "{" });
      const to = await moveAside(out);
      assert.equal(await Deno.readTextFile(join(to!, frozen)), "{");
      await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
    });
  });
}

Deno.test("a folder that a process is at work in is not moved", async () => {
  await inFolder(async (out, files) => {
    await fill(out, { "study.json": studyFile, [name]: record(0) });
    await assertIdle(out);
    await Deno.mkdir(join(out, "leases"));
    const lease = await takeLease(join(out, "leases", `${runName(runs[1])}.json`));
    const before = await files();
    const expected = {
      name: "RangeError",
      message: `Cannot move "${out}" aside: a process is at work on "${runName(runs[1])}" in it; ` +
        "stop it first or choose another --out",
    };
    await assert.rejects(assertIdle(out), expected);
    await assert.rejects(moveAside(out), expected);
    assert.deepEqual(await files(), before);
    await lease!.release();
    assert.notEqual(await moveAside(out), null);
  });
});
