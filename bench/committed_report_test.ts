import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readRecords } from "./record.ts";
import { renderReport } from "./report.ts";

const FOLDER = fileURLToPath(new URL("../reports/bench", import.meta.url));

Deno.test("reports/bench is what its records give", async () => {
  const report = await Deno.readTextFile(join(FOLDER, "REPORT.md"));
  assert.equal(report, renderReport(await readRecords(FOLDER)));
});

Deno.test("reports/bench names no folder of the machine that measured", async () => {
  for await (const { name } of Deno.readDir(FOLDER)) {
    const text = await Deno.readTextFile(join(FOLDER, name));
    assert.doesNotMatch(text, /\/(home|root|tmp|work|opt)\//, name);
  }
});
