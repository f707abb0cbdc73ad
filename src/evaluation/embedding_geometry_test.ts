import assert from "node:assert/strict";
import type { MatrixGeometry } from "../records/record.ts";
import { randomValues } from "../reference/random_values.ts";
import { listGolden, readGolden } from "../testing/golden.ts";
import { embeddingGeometry, sampledRows } from "./embedding_geometry.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { linearCka } from "./linear_cka.ts";

/** Golden names of what is measured of one matrix. */
const OF_MATRIX: Record<string, keyof MatrixGeometry> = {
  effective_rank: "effectiveRank",
  effective_rank_centred: "effectiveRankCentred",
  rank_me: "rankMe",
  participation_ratio: "participationRatio",
  average_cosine: "averageCosine",
  uniformity: "uniformity",
  collapse_gauge: "collapseGauge",
  collapse_gauge_population: "collapseGaugePopulation",
  iso_score: "isoScore",
};
const SPECTRAL = ["effective_rank", "effective_rank_centred", "rank_me"];

for (const name of listGolden("embedding_stats")) {
  Deno.test(`embedding statistics agree with the golden values: ${name}`, () => {
    const { json: { expected, tolerance, ...settings }, tensors } = readGolden(
      "embedding_stats",
      name,
    );
    const matrix = (key: string): EmbeddingMatrix => {
      const { shape: [rows, cols], data } = tensors.get(key)!;
      return { rows, cols, data: data as Float32Array };
    };
    const { rtol, atol, note } = tolerance.f64;
    const near = (what: string, got: number | null | undefined, relative = rtol) => {
      const [group, key] = what.split("/"), want = expected[group][key];
      assert.ok(typeof want === "number", `${what} is no golden value`);
      assert.ok(
        Math.abs(got! - want) <= atol + relative * Math.abs(want),
        `${name} ${what}: got ${got}, expected ${want}`,
      );
      left.delete(what);
    };
    const left = new Set(
      Object.keys(expected).flatMap((group) =>
        Object.keys(expected[group]).map((key) => `${group}/${key}`)
      ),
    );
    const geometry = embeddingGeometry({
      x: matrix("X"),
      projected: matrix("Z"),
      text: matrix("T"),
      transformed: matrix("Zp"),
    }, { ridge: { lambda: settings.ridge_lambda, trainRows: settings.ridge_train_rows } });
    for (
      const [group, measured] of [
        ["X", geometry.x],
        ["Z", geometry.projected],
        ["T", geometry.text!],
      ] as const
    ) {
      assert.equal(measured.sampled, null);
      for (const [key, field] of Object.entries(OF_MATRIX)) {
        // The files allow spectra from a Gram matrix a tolerance of their own, named first in the note.
        const relative = SPECTRAL.includes(key) ? Number.parseFloat(note) || rtol : rtol;
        near(`${group}/${key}`, measured.statistics[field], relative);
      }
    }
    const { pairs } = geometry;
    near("pairs/alignment Z Zp", pairs.alignment);
    near("pairs/mean_cosine Z Zp", pairs.meanCosine);
    near("pairs/linear_cka X Z", pairs.linearCka);
    near("pairs/linear_cka X X", geometry.linearCkaOfX);
    assert.ok(Math.abs(linearCka(matrix("X"), matrix("X")) - 1) < 1e-12);
    near("pairs/modality_gap Z T", pairs.modalityGap);
    near("pairs/norm_ratio Z T", pairs.normRatio);
    near("pairs/ridge_r2 Z->X uniform", pairs.ridgeR2.uniform);
    near("pairs/ridge_r2 Z->X variance_weighted", pairs.ridgeR2.varianceWeighted);
    // Exact up to the order in which the golden mean was summed.
    near("pairs/knor@5 X Z", pairs.neighbourOverlap5, 4 * Number.EPSILON);
    near("pairs/knor@10 X Z", pairs.neighbourOverlap10, 4 * Number.EPSILON);
    assert.deepEqual([...left], [], "golden values that nothing was compared with");
  });
}

const random = (seed: number, rows: number, cols: number): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float64Array.from(randomValues(seed, rows * cols)),
});

Deno.test("a sample of rows stands for all pairs, the same rows for both matrices", () => {
  const x = random(1, 900, 6);
  const projected = { ...x, data: x.data.map((value) => 2 * value) };
  const exact = embeddingGeometry({ x, projected });
  const sampled = embeddingGeometry({ x, projected }, { exactRows: 100, sampleRows: 200 });
  assert.equal(exact.x.sampled, null);
  assert.deepEqual(sampled.x.sampled, sampledRows(900, 200));
  assert.deepEqual(sampled.x.sampled, sampled.projected.sampled);
  assert.equal(sampled.pairs.neighbourOverlap10, 1);
  const { uniformity } = sampled.x.statistics;
  assert.ok(Math.abs(uniformity - exact.x.statistics.uniformity) < 0.1);
  assert.notEqual(uniformity, exact.x.statistics.uniformity);
});

Deno.test("a statistic that needs more rows than there are is null", () => {
  const x = random(2, 8, 3);
  const { pairs, text } = embeddingGeometry({ x, projected: x });
  assert.equal(pairs.neighbourOverlap5, 1);
  assert.equal(pairs.neighbourOverlap10, null);
  assert.equal(text, undefined);
  assert.equal("modalityGap" in pairs, false);
});

Deno.test("a number that is not finite gives NaN, not an endless loop", () => {
  const x = random(3, 20, 3);
  const broken = { ...x, data: x.data.with(7, NaN) as Float64Array };
  const { projected, x: { statistics }, pairs } = embeddingGeometry({ x, projected: broken });
  assert.ok(Number.isNaN(projected.statistics.effectiveRank));
  assert.ok(Number.isNaN(pairs.linearCka));
  assert.ok(Number.isFinite(statistics.effectiveRank));
});

Deno.test("matrices that do not belong together are refused", () => {
  const x = random(4, 8, 3);
  assert.throws(
    () => embeddingGeometry({ x, projected: random(5, 7, 3) }),
    /Cannot compare rows: there are 8 and 7/,
  );
  assert.throws(
    () => embeddingGeometry({ x, projected: x, text: random(5, 7, 2) }),
    /widths 3 and 2 differ/,
  );
  assert.throws(
    () => embeddingGeometry({ x: random(6, 1, 3), projected: random(7, 1, 2) }),
    /it needs 2 rows, got 1/,
  );
});

Deno.test("sampled rows are distinct, ascending, and from everywhere among all rows", () => {
  const rows = sampledRows(10_000, 500);
  assert.deepEqual(rows, [...new Set(rows)].sort((a, b) => a - b));
  assert.equal(rows.length, 500);
  assert.ok(rows[0] >= 0 && rows.at(-1)! < 10_000);
  // Of each tenth about fifty, with a deviation of 6.5.
  const tenths = Array.from(
    { length: 10 },
    (_, i) => rows.filter((row) => Math.floor(row / 1000) === i).length,
  );
  assert.ok(tenths.every((count) => count > 20 && count < 80), `${tenths}`);
  assert.deepEqual(sampledRows(3, 500), [0, 1, 2]);
});
