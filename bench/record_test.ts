import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../src/testing/temp_folder.ts";
import { exampleRecord } from "./example_record.ts";
import { formatJson, readRecord, readRecords, writeRecords } from "./record.ts";

Deno.test("records are written and read back, sections with a file of their own beside", async () => {
  await inTempFolder(async (dir) => {
    const record = exampleRecord();
    const growth = { base: {}, samples: 1, points: [] };
    record.sections.growth = growth;
    await writeRecords(dir, record);
    const { time, commit, adapter } = record.environment;
    const origin = { time, commit, adapter };
    assert.deepEqual(await readRecords(dir), { ...record, origins: { growth: origin } });
    const file = JSON.parse(await Deno.readTextFile(join(dir, "growth.json")));
    assert.deepEqual(file, { environment: origin, ...growth });
    assert.ok(!("growth" in (await readRecord(join(dir, "bench.json"))).sections));
    // A measurement of something else leaves that file as it is.
    const later = exampleRecord();
    later.environment.commit = "fedcba9";
    await writeRecords(dir, later);
    const { sections, origins, environment } = await readRecords(dir);
    assert.deepEqual(sections.growth, growth);
    assert.deepEqual([origins!.growth.commit, environment.commit], ["0123abc", "fedcba9"]);
  });
});

Deno.test("a section's file from before, without its commit, is read", async () => {
  await inTempFolder(async (dir) => {
    await writeRecords(dir, exampleRecord());
    const growth = { base: {}, samples: 1, points: [] };
    const path = join(dir, "growth.json");
    await Deno.writeTextFile(path, JSON.stringify(growth));
    const { sections, origins } = await readRecords(dir);
    assert.deepEqual([sections.growth, origins], [growth, undefined]);
    await Deno.writeTextFile(path, JSON.stringify({ environment: { commit: 7 }, ...growth }));
    await assert.rejects(
      () => readRecords(dir),
      /growth\.json: field "environment\.time" is wrong/,
    );
  });
});

Deno.test("what is no record is refused by name", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "old.json");
    const refused = async (text: string, message: RegExp) => {
      await Deno.writeTextFile(path, text);
      await assert.rejects(() => readRecord(path), (error: Error) => {
        assert.ok(error.message.startsWith(`Cannot read measurements ${path}: `));
        assert.match(error.message, message);
        return true;
      });
    };
    await refused("half a rec", /it is no JSON/);
    await refused(JSON.stringify({ ...exampleRecord(), schemaVersion: 7 }), /"schemaVersion"/);
    const record = exampleRecord();
    record.sections.kernels![0].chosen.wall = [];
    await refused(JSON.stringify(record), /"sections\.kernels\.0\.chosen\.wall"/);
    await assert.rejects(() => readRecord(join(dir, "none.json")), /there is no such file/);
  });
});

Deno.test("a list of numbers takes one line", () => {
  assert.equal(
    formatJson({ a: [1, -2.5, 3e-7], b: [{ c: [] }, "1, 2"] }),
    `{
  "a": [1, -2.5, 3e-7],
  "b": [
    {
      "c": []
    },
    "1, 2"
  ]
}
`,
  );
});
