import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { exampleFailure } from "./example_records.ts";
import { readFailures, removeFailure, writeFailure } from "./failures.ts";

const failure = exampleFailure();

Deno.test("a failure is read as it was written, until it is taken back", async () => {
  await inTempFolder(async (out) => {
    assert.deepEqual(await readFailures(out), new Map());
    await removeFailure(out, "one");
    await writeFailure(out, "one", failure);
    await writeFailure(out, "two", { ...failure, seed: 3, round: 1 });
    assert.deepEqual(
      await readFailures(out),
      new Map([["one", failure], ["two", { ...failure, seed: 3, round: 1 }]]),
    );
    await removeFailure(out, "one");
    assert.deepEqual([...(await readFailures(out)).keys()], ["two"]);
  });
});

Deno.test("what is no failure is passed over: its run is tried again", async () => {
  await inTempFolder(async (out) => {
    await writeFailure(out, "whole", failure);
    await Deno.writeTextFile(join(out, "failed", "cut.json"), '{ "arm":');
    await Deno.writeTextFile(join(out, "failed", "other.json"), '{ "reason": "tired" }');
    assert.deepEqual([...(await readFailures(out)).keys()], ["whole"]);
  });
});
