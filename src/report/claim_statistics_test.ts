import assert from "node:assert/strict";
import { exampleGeometry, exampleRun } from "../records/example_records.ts";
import { type ClaimStatistic, STATISTICS } from "./claim_statistics.ts";
import { groupRuns } from "./conditions.ts";

function valuesOf(run: ReturnType<typeof exampleRun>): Record<string, number | null | undefined> {
  const [{ replicates: [replicate] }] = groupRuns([run]);
  return Object.fromEntries(
    Object.entries<ClaimStatistic>(STATISTICS).map(([name, { of }]) => [name, of?.(replicate)]),
  );
}

Deno.test("every statistic is the record's number", () => {
  const run = exampleRun({ geometry: exampleGeometry() });
  const embedding = { ...run.embedding, cosineLoss: 0.1, freshP2Cosine: 0.9 };
  const { accuracy, normMismatch, generalisationGap, ...values } = valuesOf({ ...run, embedding });
  assert.equal(accuracy, run.accuracy.overall);
  assert.equal(normMismatch, Math.log(16));
  assert.ok(Math.abs(generalisationGap! - 0.05) < 1e-12);
  assert.deepEqual(values, {
    accuracyPerLambda: undefined,
    averageCosine: 0.5,
    effectiveRank: 20,
    effectiveRankCentred: 22,
    participationRatio: 8,
    meanNorm: 1.5,
    cosineLoss: 0.1,
    freshP2Cosine: 0.9,
    modalityGap: 1.25,
    ridgeR2: 0.8,
    neighbourOverlap10: 0.625,
  });
});

Deno.test("a record without a number has none", () => {
  const { normMismatch, modalityGap, freshP2Cosine, cosineLoss } = valuesOf(exampleRun());
  assert.deepEqual([normMismatch, modalityGap, freshP2Cosine, cosineLoss], [
    null,
    null,
    null,
    null,
  ]);
});
