import assert from "node:assert/strict";
import { join } from "node:path";
import { exampleRuns, exampleStudy } from "../records/example_records.ts";
import { printed } from "../testing/printed.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { reportCommand } from "./report.ts";

Deno.test("report compare prints the conditions of all folders, called as they were typed", async () => {
  await inTempFolder(async (root) => {
    const folders = ["a", "b"].map((name) => join(root, name));
    for (const dir of folders) {
      await Deno.mkdir(join(dir, "runs"), { recursive: true });
      await Deno.writeTextFile(join(dir, "study.json"), JSON.stringify(exampleStudy()));
      for (const run of exampleRuns([1, 2])) {
        const file = join(dir, "runs", `${run.arm}-${run.seed}.json`);
        await Deno.writeTextFile(file, JSON.stringify(run));
      }
    }
    const { out } = await printed(() =>
      reportCommand().parseAsync(["compare", ...folders], { from: "user" })
    );
    const rows = out.split("\n").filter((line) => line.startsWith(`| ${root}`));
    assert.deepEqual(
      rows.map((row) => row.split("|")[1].trim()),
      folders.flatMap((dir) => Array(4).fill(dir)),
    );
    for (const dir of folders) {
      assert.deepEqual((await Array.fromAsync(Deno.readDir(dir))).length, 2);
    }
  });
});
