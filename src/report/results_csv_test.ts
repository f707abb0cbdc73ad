import assert from "node:assert/strict";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { resultsCsv } from "./results_csv.ts";

const runs = [
  exampleRun({ arm: "cosine-constraint", lambda: 1, round: 2 }),
  exampleRun({ seed: 2, embedding: { ...exampleRun().embedding, averageCosine: NaN } }),
];

Deno.test("a row a run in the report's order, a column a field, named by its path", () => {
  assert.equal(
    resultsCsv(runs),
    "role,arm,connector,objective,lambda,seed,fold,round,stage,steps,parameters.total,parameters.trained," +
      "accuracy.overall,accuracy.byType.color.accuracy,accuracy.byType.color.n," +
      "accuracy.byType.yes/no.accuracy,accuracy.byType.yes/no.n," +
      "losses.tokenLoss,losses.cosineLoss,losses.testTokenLoss," +
      "embedding.tokens,embedding.averageCosine,embedding.effectiveRank,embedding.effectiveRankCentred," +
      "embedding.participationRatio,embedding.meanNorm,embedding.textMeanNorm,embedding.cosineLoss," +
      "seconds.train,seconds.evaluate,weightsSha256\n" +
      "arm,baseline,mlp,none,0,2,0,0,joint,40,1000000,1000000," +
      "0.8333333333333334,0.9,100,0.8,200,0.25,,0.3,960,NaN,20,22,8,1.5,1,,60,5," +
      `${"2".repeat(64)}\n` +
      "arm,cosine-constraint,mlp,cosine-constraint,1,1,0,2,joint,40,1200000,1200000," +
      "0.8333333333333334,0.9,100,0.8,200,0.25,0.125,0.3,960,0.5,20,22,8,1.5,1,0.1,60,5," +
      `${"1".repeat(64)}\n`,
  );
});

Deno.test("any order of the runs gives the same bytes", () => {
  assert.equal(resultsCsv(runs.toReversed()), resultsCsv(runs));
});

Deno.test("a field that only some runs have is empty in the others, and lists are left out", () => {
  const text = resultsCsv([exampleRun({ geometry: exampleGeometry() }), exampleRun({ seed: 2 })]);
  const [header, first, second] = text.trimEnd().split("\n").map((line) => line.split(","));
  const at = header.indexOf("geometry.pairs.linearCka");
  assert.deepEqual([first[at], second[at]], ["0.875", ""]);
  assert.equal(first.length, header.length);
  assert.equal(second.length, header.length);
  assert.ok(!header.some((path) => /curve|spectrum|cosines|map|answers/.test(path)));
});
