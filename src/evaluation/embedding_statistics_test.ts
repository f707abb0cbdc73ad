import assert from "node:assert/strict";
import fc from "fast-check";
import { cosineLoss } from "./alignment.ts";
import { averageCosine } from "./average_cosine.ts";
import { effectiveRank } from "./effective_rank.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { embeddingStatistics } from "./embedding_statistics.ts";
import { meanNorm } from "./mean_norm.ts";
import { participationRatio } from "./participation_ratio.ts";
import { singularValues } from "./singular_values.ts";

/** Deterministic values with a decaying spectrum, so that nothing is symmetric by accident. */
function sample(rows: number, cols: number, offset = 0): EmbeddingMatrix {
  const data = Float64Array.from(
    { length: rows * cols },
    (_, i) => offset + Math.sin(1 + 1.7 * i) * Math.cos(0.3 * i * i) / (1 + (i % cols)),
  );
  return { rows, cols, data };
}

Deno.test("statistics do not change when all rows are scaled, and the mean norm scales along", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      (rows, cols, factor) => {
        const m = sample(rows, cols);
        const scaled = {
          ...m,
          data: m.data.map((value) => value * factor) as Float64Array,
        };
        const close = (a: number, b: number) =>
          assert.ok(
            Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a)),
            `${a} and ${b}`,
          );
        close(averageCosine(m), averageCosine(scaled));
        close(effectiveRank(m), effectiveRank(scaled));
        close(participationRatio(m), participationRatio(scaled));
        close(meanNorm(m) * factor, meanNorm(scaled));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("the average cosine equals the mean over explicit pairs", () => {
  const m = sample(7, 5, 0.2);
  const row = (i: number) => ({
    rows: 1,
    cols: 5,
    data: m.data.slice(5 * i, 5 * i + 5),
  });
  let sum = 0, pairs = 0;
  for (let i = 0; i < 7; i++) {
    for (let j = i + 1; j < 7; j++, pairs++) {
      sum += 1 - cosineLoss(row(i), row(j));
    }
  }
  assert.ok(Math.abs(averageCosine(m) - sum / pairs) < 1e-12);
});

Deno.test("squared singular values sum to the squared Frobenius norm, tall and wide alike", () => {
  for (const m of [sample(12, 4), sample(4, 12)]) {
    const values = singularValues(m);
    assert.equal(values.length, 4);
    assert.deepEqual([...values], [...values].sort((a, b) => b - a));
    const squares = (list: Iterable<number>) =>
      [...list].reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(squares(values) - squares(m.data)) < 1e-10);
  }
});

Deno.test("orthogonal rows of equal length have full rank and no common direction", () => {
  const identity: EmbeddingMatrix = {
    rows: 4,
    cols: 4,
    data: new Float32Array([2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2]),
  };
  assert.ok(Math.abs(effectiveRank(identity) - 4) < 1e-12);
  assert.ok(Math.abs(averageCosine(identity)) < 1e-12);
  assert.equal(meanNorm(identity), 2);
  // Centring takes one direction away.
  assert.ok(Math.abs(effectiveRank(identity, { centred: true }) - 3) < 1e-5);
  assert.ok(Math.abs(participationRatio(identity) - 3) < 1e-12);
});

Deno.test("collapsed and zero matrices give finite numbers", () => {
  const equal: EmbeddingMatrix = {
    rows: 3,
    cols: 2,
    data: new Float64Array([1, 2, 1, 2, 1, 2]),
  };
  assert.ok(Math.abs(averageCosine(equal) - 1) < 1e-12);
  assert.ok(Math.abs(effectiveRank(equal) - 1) < 1e-5);
  assert.equal(participationRatio(equal), 0);
  const zero: EmbeddingMatrix = { rows: 3, cols: 2, data: new Float32Array(6) };
  assert.equal(averageCosine(zero), 0);
  assert.equal(effectiveRank(zero), 0);
  assert.equal(participationRatio(zero), 0);
  assert.equal(cosineLoss(zero, equal), 1);
});

Deno.test("a run record gets every statistic", () => {
  const z = sample(9, 4, 0.3), text = sample(6, 4);
  assert.deepEqual(embeddingStatistics(z, text, 0.25), {
    tokens: 9,
    averageCosine: averageCosine(z),
    effectiveRank: effectiveRank(z),
    effectiveRankCentred: effectiveRank(z, { centred: true }),
    participationRatio: participationRatio(z),
    meanNorm: meanNorm(z),
    textMeanNorm: meanNorm(text),
    cosineLoss: 0.25,
  });
});

Deno.test("wrong shapes are refused by name", () => {
  assert.throws(
    () => meanNorm({ rows: 2, cols: 3, data: new Float32Array(5) }),
    /Cannot read a 2 x 3 matrix from 5 values/,
  );
  assert.throws(
    () => cosineLoss(sample(2, 3), sample(3, 3)),
    /shapes 2 x 3 and 3 x 3 differ/,
  );
  assert.throws(() => averageCosine(sample(1, 3)), /needs 2 rows, got 1/);
});
