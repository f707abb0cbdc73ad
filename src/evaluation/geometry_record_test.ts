import assert from "node:assert/strict";
import { exampleRun } from "../records/example_records.ts";
import { runRecordSchema } from "../records/record_schema.ts";
import { randomValues } from "../reference/random_values.ts";
import { embeddingGeometry } from "./embedding_geometry.ts";
import type { EmbeddingMatrix } from "./embedding_matrix.ts";
import { recordGeometry } from "./geometry_record.ts";

const random = (seed: number, rows: number, cols: number, mean = 0): EmbeddingMatrix => ({
  rows,
  cols,
  data: Float32Array.from(randomValues(seed, rows * cols), (value) => value + mean),
});
const x = random(1, 700, 80), z = random(2, 700, 70, 2), text = random(3, 200, 70);
const geometry = recordGeometry(x, z, text);

Deno.test("a record keeps the statistics, and says of how many rows the pairs are", () => {
  const options = { exactRows: 512, sampleRows: 512 };
  const { projected, pairs } = embeddingGeometry({ x, projected: z, text }, options);
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-7 * Math.abs(b));
  close(geometry.Z.effectiveRank, projected.statistics.effectiveRank);
  close(geometry.pairs.modalityGap!, pairs.modalityGap!);
  assert.deepEqual(geometry.sampled, { X: 512, T: null });
  assert.deepEqual(geometry.ridge, { lambda: 1, trainRows: 525 });
});

Deno.test("the figures' numbers are shares, ratios and points", () => {
  const { cosines, spectrum, map } = geometry;
  for (const shares of [cosines.X, cosines.Z]) {
    assert.equal(shares.length, 40);
    assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-3);
  }
  // A common mean makes all cosines high.
  const above = (shares: number[]) => shares.slice(30).reduce((a, b) => a + b);
  assert.ok(above(cosines.Z) > 0.99 && above(cosines.X) < 0.01);
  for (const [points, rank] of [[spectrum.X, 80], [spectrum.Z, 70]] as const) {
    assert.equal(points.length, 64);
    assert.deepEqual([points[0], points[63][0]], [[1, 1], rank]);
    assert.deepEqual(points.map(([, v]) => v), points.map(([, v]) => v).sort((a, b) => b - a));
  }
  assert.deepEqual([map.image.length, map.text.length], [200, 120]);
  // The gap between both kinds is what varies most.
  const mean = (points: [number, number][]) =>
    points.reduce((sum, [a]) => sum + a, 0) / points.length;
  assert.ok(Math.abs(mean(map.image) - mean(map.text)) > 0.5);
});

Deno.test("a record with them is read back as it was, and stays small", () => {
  const record = exampleRun({ geometry });
  const json = JSON.stringify(record);
  assert.deepEqual(runRecordSchema.parse(JSON.parse(json)), record);
  assert.ok(JSON.stringify(geometry).length < 16_000);
});

Deno.test("few tokens are enough, and equal ones give finite numbers but where nothing is left", () => {
  const few = recordGeometry(random(4, 4, 3), random(5, 4, 2), random(6, 2, 2));
  assert.equal(few.pairs.neighbourOverlap5, null);
  const equal = { rows: 4, cols: 2, data: new Float32Array(8).fill(1) };
  const collapsed = recordGeometry(random(4, 4, 3), equal, equal);
  assert.equal(collapsed.pairs.linearCka, 0);
  assert.equal(collapsed.Z.participationRatio, 0);
  assert.ok(!/NaN|null/.test(JSON.stringify({ ...collapsed, pairs: 0, sampled: 0 })));
});

Deno.test("the map is of directions: how long a token is moves nothing, and the first axis explains most", () => {
  const scaled = (matrix: EmbeddingMatrix, factor: number) => ({
    ...matrix,
    data: matrix.data.map((value) => factor * value) as Float32Array,
  });
  const { map } = recordGeometry(x, scaled(z, 8), scaled(text, 0.125));
  assert.deepEqual(map, geometry.map);
  const [first, second] = map.explained;
  assert.ok(first > second && second > 0 && first + second <= 1, `${map.explained}`);
});
