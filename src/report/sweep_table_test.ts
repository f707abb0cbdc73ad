import assert from "node:assert/strict";
import { exampleAccuracy, exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { sweepTable } from "./sweep_table.ts";
import { sweepsOf } from "./sweeps.ts";

const tableOf = (runs: Parameters<typeof groupRuns>[0]) =>
  sweepTable(sweepsOf(groupRuns(runs)), []);

const rowsOf = (runs: Parameters<typeof groupRuns>[0]) =>
  tableOf(runs).split("\n").filter((line) => line.startsWith("|"));

/** Three points of colour, one of all, a unit of lambda; seeds lie far apart and differ in slope. */
const sweep = [1, 2, 3].flatMap((seed) => [
  exampleRun({ seed, color: 0.5 + 0.1 * seed }),
  ...[1, 2].map((lambda) =>
    exampleRun({ seed, arm: "a", lambda, color: 0.5 + 0.1 * seed + (0.03 + 0.003 * seed) * lambda })
  ),
]);

Deno.test("a sweep has the slope of its seeds, the baseline being lambda 0", () => {
  assert.deepEqual(rowsOf(sweep), [
    "| Arm | λ       | Seeds | Slope |  95 % interval | R², all runs | R², means |",
    "| --- | ------- | ----: | ----: | -------------: | -----------: | --------: |",
    "| a   | 0, 1, 2 |     3 | +1.20 | +0.95 to +1.45 |        0.109 |     1.000 |",
  ]);
});

Deno.test("the baseline of another connector is no lambda 0 of the arm", () => {
  const [, , row] = rowsOf(
    sweep.map((run) => run.arm === "a" ? { ...run, connector: "linear" } : run),
  );
  assert.match(row, /^\| a +\| 1, 2 +\|/);
});

Deno.test("an arm with its own lambda 0 needs no baseline", () => {
  const own = sweep.map((run) => ({ ...run, arm: "a" }));
  assert.match(rowsOf(own)[2], /^\| a +\| 0, 1, 2 \| +3 \| \+1\.20/);
});

Deno.test("the note's charts are quoted as digitised", () => {
  assert.match(
    tableOf(sweep),
    /founding note, digitised, .*: −0\.01 with R² 0\.002 for cosine constraint and \+0\.58 with R² 0\.865 for self-distillation\./,
  );
});

Deno.test("a seed that was not tested on all the folds of the baseline is no point", () => {
  const hard = (run: typeof sweep[number]) => ({
    ...run,
    fold: 1,
    accuracy: exampleAccuracy(0, 0),
  });
  const partly = [...sweep, ...sweep.filter(({ lambda }) => lambda < 2).map(hard)];
  assert.match(rowsOf(partly)[2], /^\| a +\| 0, 1 +\| +3 \| /);
});

Deno.test("one lambda is no sweep", () => {
  assert.equal(tableOf(sweep.filter(({ lambda }) => lambda < 2)), "");
});

Deno.test("a later round of a sweep does not begin at the baseline, which has had no round before", () => {
  const rounds = sweep.flatMap((run) => run.arm === "a" ? [run, { ...run, round: 1 }] : [run]);
  assert.deepEqual(
    sweepsOf(groupRuns(rounds)).map(({ name, points }) => [
      name,
      [...new Set(points.map(({ lambda }) => lambda))],
    ]),
    [["a", [0, 1, 2]], ["a, round 1", [1, 2]]],
  );
});
