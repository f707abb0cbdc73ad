import assert from "node:assert/strict";
import { exampleRun, exampleStudy } from "../records/example_records.ts";
import { claimsTable } from "./claims_table.ts";
import { groupRuns } from "./conditions.ts";

const SEEDS = [1, 2, 3, 4, 5];

/** Arm `a` answers about one point more and has one effective direction less, varying by seed. */
const runs = SEEDS.flatMap((seed) => {
  const { embedding } = exampleRun();
  return [
    exampleRun({ seed, color: 0.8 }),
    exampleRun({
      seed,
      arm: "a",
      lambda: 1,
      color: 0.83 + 0.003 * (seed % 3),
      embedding: { ...embedding, effectiveRankCentred: 21 + 0.1 * (seed % 2) },
    }),
  ];
});

const claim = (statistic: string, direction: string, margin: number, arm = "a") => ({
  claim: `${statistic} ${direction}`,
  arm,
  statistic,
  direction,
  margin,
});

function rowsOf(claims: unknown[], records = runs): string[][] {
  const study = exampleStudy({ config: { analysis: { family: ["a"], claims } } });
  return claimsTable(study, groupRuns(records)).split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
}

Deno.test("a claim has its difference, interval, detectable effect and verdict, accuracy in points", () => {
  const [header, , ...rows] = rowsOf([
    claim("accuracy", "higher", 0.5),
    claim("accuracy", "higher", 2),
    claim("effectiveRankCentred", "unchanged", 2),
    claim("effectiveRankCentred", "unchanged", 1),
    claim("effectiveRankCentred", "lower", 0),
    claim("effectiveRankCentred", "not lower", 2),
  ]);
  assert.deepEqual(header, [
    "Claim",
    "Arm",
    "λ",
    "Statistic",
    "Claimed",
    "Difference",
    "95 % interval",
    "Detectable, 80 % / 90 %",
    "Verdict",
  ]);
  assert.deepEqual(rows.map((row) => row.slice(3)), [
    ["accuracy", "higher by 0.5", "+1.12", "+1.02 to +1.22", "0.14 / 0.16", "supported"],
    ["accuracy", "higher by 2", "+1.12", "+1.02 to +1.22", "0.14 / 0.16", "not supported"],
    [
      "effective rank centred",
      "unchanged within 2",
      "−0.940",
      "−1.008 to −0.872",
      "0.092 / 0.108",
      "supported",
    ],
    [
      "effective rank centred",
      "unchanged within 1",
      "−0.940",
      "−1.008 to −0.872",
      "0.092 / 0.108",
      "cannot tell at this size",
    ],
    ["effective rank centred", "lower", "−0.940", "−1.008 to −0.872", "0.092 / 0.108", "supported"],
    [
      "effective rank centred",
      "not lower by 2",
      "−0.940",
      "−1.008 to −0.872",
      "0.092 / 0.108",
      "supported",
    ],
  ]);
});

Deno.test("with three seeds nothing can be told, and there is nothing detectable", () => {
  const [header, , row] = rowsOf(
    [claim("accuracy", "higher", 0.5)],
    runs.filter(({ seed }) => seed <= 3),
  );
  assert.ok(!header.includes("Detectable, 80 % / 90 %"));
  assert.equal(row.at(-1), "cannot tell at this size");
});

Deno.test("a claim about an arm or a statistic without records keeps its row", () => {
  const [, , ...rows] = rowsOf([
    claim("accuracy", "higher", 0.5, "b"),
    claim("modalityGap", "lower", 0),
    claim("cosineLoss", "lower", 0),
    claim("accuracy", "higher", 0),
  ]);
  assert.deepEqual(rows.map((row) => row.at(-1)), [
    "no run to compare",
    "no run to compare",
    "no run to compare",
    "supported",
  ]);
});

Deno.test("the interval of a lambda chosen among two is widened for both", () => {
  const other = runs.filter(({ arm }) => arm === "a").map((run) => ({ ...run, lambda: 2 }));
  const [, , row] = rowsOf([claim("accuracy", "higher", 0)], [...runs, ...other]);
  assert.match(row[6], /^\+0\.99 to \+1\.25 \(97\.50 %\)$/);
});

Deno.test("a study without claims has no table", () => {
  assert.equal(claimsTable(exampleStudy(), groupRuns(runs)), "");
  assert.deepEqual(rowsOf([]), []);
});

Deno.test("a slope over lambda is claimed of itself, not of a difference", () => {
  const sweep = SEEDS.flatMap((seed) => [
    exampleRun({ seed, color: 0.5 + 0.1 * seed }),
    ...[1, 2].map((lambda) =>
      exampleRun({
        ...{ seed, arm: "a", lambda },
        color: 0.5 + 0.1 * seed + (0.03 + 0.003 * (seed % 2)) * lambda,
      })
    ),
  ]);
  const [, , row] = rowsOf([claim("accuracyPerLambda", "higher", 0)], sweep);
  assert.deepEqual(row.slice(0, 5), [
    ...["accuracyPerLambda higher", "a", "accuracy per unit of λ", "higher"],
    "+1.06",
  ]);
  assert.equal(row.at(-1), "supported");
  const [, , absent] = rowsOf([claim("accuracyPerLambda", "higher", 0, "b")], sweep);
  assert.equal(absent.at(-1), "no run to compare");
});

Deno.test("what is detectable of a chosen lambda is at its own level, and the text says why intervals are wider", () => {
  const other = runs.filter(({ arm }) => arm === "a").map((run) => ({ ...run, lambda: 2 }));
  const [, , one] = rowsOf([claim("accuracy", "higher", 0)]);
  const [, , two] = rowsOf([claim("accuracy", "higher", 0)], [...runs, ...other]);
  const low = (row: string[]) => Number(row[7].split(" / ")[0]);
  assert.equal(one[7], "0.14 / 0.16");
  assert.ok(low(two) > 1.15 * low(one), two[7]);
  const textOf = (records: typeof runs) =>
    claimsTable(
      exampleStudy({
        config: { analysis: { family: ["a"], claims: [claim("accuracy", "higher", 0)] } },
      }),
      groupRuns(records),
    );
  assert.match(textOf([...runs, ...other]), /widened for their number \(Bonferroni\)\.\n/);
  assert.doesNotMatch(textOf(runs), /Bonferroni/);
});
