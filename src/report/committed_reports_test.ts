import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { exampleAnswers } from "./example_answers.ts";
import { renderReport } from "./report.ts";
import { buildResults } from "./results.ts";
import { readRecords } from "./store.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const REPORTS = join(ROOT, "reports");

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
    const results = JSON.parse(await Deno.readTextFile(join(dir, "results.json")));
    assert.deepEqual(results, JSON.parse(JSON.stringify(buildResults(study, runs))));
  });
}

Deno.test("what the README quotes stands in reports/quick", async () => {
  const readme = await Deno.readTextFile(join(ROOT, "README.md"));
  const report = await Deno.readTextFile(join(REPORTS, "quick", "REPORT.md"));
  const quote = readme.split("\n").filter((line) => line.startsWith("> "))
    .map((line) => line.slice(2)).join(" ");
  assert.ok(quote.length > 100 && report.includes(quote));
  const cellsOf = (line: string) =>
    line.split("|").map((cell) => cell.trim()).filter((cell) => cell);
  const rows = readme.split("\n").filter((line) => line.startsWith("|") && line.includes(" ± "));
  assert.equal(rows.length, 4);
  for (const [arm, ...cells] of rows.map(cellsOf)) {
    const known = report.split("\n").map(cellsOf).filter(([first]) => first === arm).flat();
    for (const cell of cells) assert.ok(known.includes(cell), `${arm} has no ${cell}`);
  }
});
