import assert from "node:assert/strict";
import { exampleRun } from "../records/example_records.ts";
import { groupRuns } from "./conditions.ts";
import { lossTable } from "./loss_table.ts";

const tablesOf = (runs: Parameters<typeof groupRuns>[0]) =>
  lossTable(groupRuns(runs), []).split("\n").filter((line) => line.startsWith("|"));

const point = (step: number, cosineGradientNorm: number | null, p2Distance: number | null) => ({
  step,
  tokenGradientNorm: 0.5,
  cosineGradientNorm,
  meanNorm: 3,
  averageCosine: 0.25,
  p2Distance,
});

Deno.test("records without diagnostics have the table of losses alone", () => {
  assert.deepEqual(tablesOf([exampleRun(), exampleRun({ seed: 2 })]), [
    "| Arm      | Seeds | Token loss, training | Token loss, test |",
    "| -------- | ----: | -------------------: | ---------------: |",
    "| baseline |     2 |      0.2500 ± 0.0000 |  0.3000 ± 0.0000 |",
  ]);
});

Deno.test("what the losses did at the end stands in a table of its own", () => {
  const runs = [1, 2].flatMap((seed) => {
    const [plain, distilled] = [
      exampleRun({ seed }),
      exampleRun({ seed, arm: "self-distillation", lambda: 1 }),
    ];
    plain.losses.diagnostics = [point(20, null, null), point(40, null, null)];
    distilled.losses.diagnostics = [point(20, 9, 9), point(40, 0.5 * seed, 0.125)];
    return [plain, distilled];
  });
  assert.deepEqual(tablesOf(runs).slice(4), [
    "| Arm               |   λ | Gradient of L_TP | Gradient of λ L_cos | λ L_cos / L_TP | Norm of P1(x) | Average cosine | P2 from identity |",
    "| ----------------- | --: | ---------------: | ------------------: | -------------: | ------------: | -------------: | ---------------: |",
    "| baseline          |   0 |  0.5000 ± 0.0000 |                     |                | 3.000 ± 0.000 |  0.250 ± 0.000 |                  |",
    "| self-distillation |   1 |  0.5000 ± 0.0000 |     0.7500 ± 3.1766 |  1.500 ± 6.353 | 3.000 ± 0.000 |  0.250 ± 0.000 |    0.125 ± 0.000 |",
  ]);
});
