import assert from "node:assert/strict";
import { join } from "node:path";
import { exampleRuns, exampleStudy } from "../report/example_records.ts";
import { reportCommand } from "./report.ts";

Deno.test("report DIR --answers rebuilds the report, writes the answers and says what it shows and where", async () => {
  const dir = await Deno.makeTempDir();
  const lines: string[] = [];
  const log = console.log;
  try {
    await Deno.mkdir(join(dir, "runs"));
    await Deno.writeTextFile(join(dir, "study.json"), JSON.stringify(exampleStudy()));
    for (const run of exampleRuns([1, 2])) {
      await Deno.writeTextFile(
        join(dir, "runs", `${run.arm}-${run.seed}.json`),
        JSON.stringify(run),
      );
    }
    console.log = (line: string) => lines.push(line);
    await reportCommand().parseAsync([dir, "--answers"], { from: "user" });
    const markdown = await Deno.readTextFile(join(dir, "REPORT.md"));
    assert.ok(markdown.includes(lines[0]));
    assert.equal(lines[1], `Report: ${join(dir, "REPORT.md")}`);
    assert.equal(lines[2], `Answers: 8 files in ${join(dir, "answers")}`);
    assert.deepEqual(
      JSON.parse(await Deno.readTextFile(join(dir, "answers", "baseline-1.json"))),
      [{ question_id: "q1", answer: "red" }],
    );
  } finally {
    console.log = log;
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("report without a folder is refused", async () => {
  const command = reportCommand().exitOverride().configureOutput({ writeErr: () => {} });
  await assert.rejects(command.parseAsync([], { from: "user" }), /missing required argument 'dir'/);
});
