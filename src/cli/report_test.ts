import assert from "node:assert/strict";
import { join } from "node:path";
import { exampleRuns, exampleStudy } from "../records/example_records.ts";
import { printed } from "../testing/printed.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { reportCommand } from "./report.ts";

/** Runs the command on the records of an example study; gives what it printed. */
async function withStudy(
  options: string[],
  check: (dir: string, lines: string[]) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    await Deno.mkdir(join(dir, "runs"));
    await Deno.writeTextFile(join(dir, "study.json"), JSON.stringify(exampleStudy()));
    for (const run of exampleRuns([1, 2])) {
      await Deno.writeTextFile(
        join(dir, "runs", `${run.arm}-${run.seed}.json`),
        JSON.stringify(run),
      );
    }
    const run = () => reportCommand().parseAsync([dir, ...options], { from: "user" });
    await check(dir, (await printed(run)).out.split("\n"));
  });
}

Deno.test("report DIR --answers rebuilds the report, writes the answers and says what it shows and where", () =>
  withStudy(["--answers"], async (dir, lines) => {
    const markdown = await Deno.readTextFile(join(dir, "REPORT.md"));
    assert.ok(markdown.includes(lines[0]));
    assert.deepEqual(lines.slice(1), [
      `Report: ${join(dir, "REPORT.md")}`,
      `Answers: 8 files in ${join(dir, "answers")}`,
    ]);
    assert.deepEqual(
      JSON.parse(await Deno.readTextFile(join(dir, "answers", "baseline-1.json"))),
      [{ question_id: "q1", answer: "red" }],
    );
  }));

Deno.test("report DIR --csv --html --latex writes the three files beside the report and says where", () =>
  withStudy(["--latex", "--html", "--csv"], async (dir, lines) => {
    assert.deepEqual(lines.slice(2), [
      `Export: ${join(dir, "results.csv")}`,
      `Export: ${join(dir, "report.html")}`,
      `Export: ${join(dir, "accuracy.tex")}`,
    ]);
    const csv = await Deno.readTextFile(join(dir, "results.csv"));
    assert.equal(csv.trimEnd().split("\n").length, 9);
    assert.match(await Deno.readTextFile(join(dir, "report.html")), /^<!doctype html>/);
    assert.match(await Deno.readTextFile(join(dir, "accuracy.tex")), /\\begin\{tabular\}/);
  }));

Deno.test("report without a folder is refused", async () => {
  const command = reportCommand().exitOverride().configureOutput({ writeErr: () => {} });
  await assert.rejects(command.parseAsync([], { from: "user" }), /missing required argument 'dir'/);
});
