import assert from "node:assert/strict";
import { exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { overlapTable } from "./overlap_table.ts";

const run = (seed: number, exactMatch: number, tokenF1: number, bleu1: number) =>
  exampleRun({ seed, overlap: { exactMatch, tokenF1, bleu1 } });

Deno.test("token F1 and BLEU-1 stand beside exact match, in percent, with their spread", () => {
  const text = overlapTable(groupRuns([run(1, 0.5, 0.625, 0.5), run(2, 0.5, 0.675, 0.6)]));
  const rows = text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assert.deepEqual(rows[0], ["Arm", "Seeds", "Exact match", "Token F1", "BLEU-1"]);
  assert.deepEqual(rows.slice(2), [
    ["baseline", "2", "50.0 ± 0.0", "65.0 ± 31.8", "55.0 ± 63.5"],
  ]);
});

Deno.test("answers of one word need no table, and older records have none", () => {
  assert.equal(overlapTable(groupRuns([run(1, 0.5, 0.5, 0.5), run(2, 0.75, 0.75, 0.75)])), "");
  assert.equal(overlapTable(groupRuns([exampleRun()])), "");
});

Deno.test("a run without the measurement leaves the others in the table", () => {
  const runs = [run(1, 0.5, 0.6, 0.5), exampleRun({ arm: "older" })];
  const text = overlapTable(groupRuns(runs));
  assert.match(text, /\| baseline \| +1 \| +50\.0 \| +60\.0 \| +50\.0 \|/);
  assert.match(text, /\| older +\| +1 \| +\| +\| +\|/);
});
