import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { readRecords } from "../records/read_records.ts";
import { exampleAnswers } from "./example_answers.ts";
import { renderReport } from "./report.ts";
import { buildResults } from "./results.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const REPORTS = join(ROOT, "reports");
const README = Deno.readTextFileSync(join(ROOT, "README.md"));

/** Of a record: there will be many. */
const MOST_BYTES = 64 * 1024;

/** Of timings, not of a study; its own test stands beside its renderer. */
const BENCH = "bench";

for (const { name, isDirectory } of Deno.readDirSync(REPORTS)) {
  if (!isDirectory || name === BENCH) continue;
  Deno.test(`reports/${name} is what its records give`, async () => {
    const dir = join(REPORTS, name);
    const { study, runs } = await readRecords(dir);
    const { markdown, figures } = renderReport(study, runs, await exampleAnswers(study, runs));
    assert.equal(await Deno.readTextFile(join(dir, "REPORT.md")), markdown);
    for (const [file, svg] of Object.entries(figures)) {
      assert.equal(await Deno.readTextFile(join(dir, "figures", file)), svg);
    }
    const drawn = await Array.fromAsync(Deno.readDir(join(dir, "figures")));
    assert.deepEqual(drawn.map(({ name }) => name).sort(), Object.keys(figures).sort());
    for await (const { name: record } of Deno.readDir(join(dir, "runs"))) {
      const { size } = await Deno.stat(join(dir, "runs", record));
      assert.ok(size <= MOST_BYTES, `${record} has ${size} bytes`);
    }
    const results = JSON.parse(await Deno.readTextFile(join(dir, "results.json")));
    assert.deepEqual(results, JSON.parse(JSON.stringify(buildResults(study, runs))));
  });
}

/** Cells of a row of a table. */
const cellsOf = (line: string) =>
  line.split("|").map((cell) => cell.trim()).filter((cell) => cell !== "");

const isResult = (line: string) => line.startsWith("|") && line.includes(" ± ");
const isQuote = (line: string) => line.startsWith("> ");

for (
  const { name, rows, section } of [
    { name: "lambda-sweep", rows: 6, section: /^# Plumbline\n/ },
    { name: "quick", rows: 4, section: /^What a report holds\n/ },
  ]
) {
  Deno.test(`what the README quotes of reports/${name} stands there`, async () => {
    const report = await Deno.readTextFile(join(REPORTS, name, "REPORT.md"));
    const known = report.split("\n").map(cellsOf);
    const text = README.split("\n## ").find((text) => section.test(text))!;
    assert.ok(text.includes(`(reports/${name}/REPORT.md)`));
    const lines = text.split("\n");
    const results = lines.filter(isResult);
    assert.equal(results.length, rows);
    for (const cells of results.map(cellsOf)) {
      assert.ok(
        known.some((row) => row[0] === cells[0] && cells.every((cell) => row.includes(cell))),
        `No row of the report has ${cells.join(", ")}`,
      );
    }
    const quote = lines.filter(isQuote).map((line) => line.slice(2)).join(" ");
    assert.ok(report.includes(quote));
  });
}

Deno.test("every figure of the README's opening stands in the report that its paragraph links, or in reports/lambda-sweep", async () => {
  const counts: Record<string, number> = {};
  for (const paragraph of README.split("\n## ")[0].split("\n\n")) {
    const name = /reports\/([^/]+)\/REPORT\.md/.exec(paragraph)?.[1] ?? "lambda-sweep";
    const report = await Deno.readTextFile(join(REPORTS, name, "REPORT.md"));
    const figures = paragraph.match(/[−+]?\d+\.\d+/g) ?? [];
    for (const figure of figures) {
      assert.match(report, new RegExp(`(?<![\\d.])${RegExp.escape(figure)}(?!\\d)`), figure);
    }
    counts[name] = (counts[name] ?? 0) + figures.length;
  }
  assert.ok(counts["lambda-sweep"] > 30 && counts.regularisers > 5, JSON.stringify(counts));
});

Deno.test("the README has no result but those that are compared with a report", () => {
  assert.equal(README.split("\n").filter(isResult).length, 10);
});
