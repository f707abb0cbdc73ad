/** Mixed embeddings against plain float64 loops, and the gradient of a table with many rows. */
import assert from "node:assert/strict";
import { freeTensor, ownTensor } from "../gpu/tensor.ts";
import { embeddingBackward } from "../reference/embedding.ts";
import { randomValues } from "../reference/random_values.ts";
import { assertGradient } from "../testing/finite_difference.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { embedding, mixEmbeddings } from "./embedding.ts";

const FLOAT32 = { rtol: 1e-5, atol: 1e-6 };

/** y[r] = sum over words of weights[r, word] table[word], one word after another. */
function mixed(weights: Float64Array, table: Float64Array, vocabulary: number): Float64Array {
  const width = table.length / vocabulary;
  const y = new Float64Array(weights.length / vocabulary * width);
  weights.forEach((weight, at) => {
    const [row, word] = [Math.floor(at / vocabulary), at % vocabulary];
    for (let column = 0; column < width; column++) {
      y[row * width + column] += weight * table[word * width + column];
    }
  });
  return y;
}

/** Weights with a few words a row, as phrases have them; the last row has none. */
function bags(rows: number, vocabulary: number): Float64Array {
  const draws = randomValues(1, rows * vocabulary);
  return draws.map((value, at) =>
    at < (rows - 1) * vocabulary && Math.abs(value) > 0.8 ? value : 0
  );
}

for (const engine of await testEngines()) {
  for (const [rows, vocabulary, width] of [[7, 13, 10], [33, 41, 20], [1, 3, 1]]) {
    Deno.test(`mixed embeddings of ${rows} rows from ${vocabulary} x ${width}, and their gradient ${formOf(engine)}`, async () => {
      const values = {
        weights: bags(rows, vocabulary),
        table: randomValues(2, vocabulary * width),
        cotangent: randomValues(3, rows * width),
      };
      const weights = upload(engine, "w", { rows, columns: vocabulary }, values.weights);
      const table = upload(engine, "t", { rows: vocabulary, columns: width }, values.table);
      const cotangent = upload(engine, "c", { rows, columns: width }, values.cotangent);
      const read = await runOnce(engine, (tape) => {
        const y = mixEmbeddings(tape, weights, table);
        backwardFrom(tape, y, cotangent);
        return { y, dtable: tape.gradientOf(table), dweights: tape.gradientOf(weights) };
      });
      assertClose(read.y, mixed(values.weights, values.table, vocabulary), FLOAT32, "y");
      assert.equal(read.dweights, undefined, "weights get no gradient");
      const loss = (at: Float64Array) =>
        mixed(values.weights, at, vocabulary)
          .reduce((sum, value, i) => sum + value * values.cotangent[i], 0);
      // The loss is linear in the table, so a step of one loses nothing.
      const check = { ...FLOAT32, step: 1, entries: 60 };
      assertGradient(loss, values.table, read.dtable, check, "dtable");
      for (const tensor of [weights, table, cotangent]) freeTensor(engine, tensor);
    });
  }

  Deno.test(`a table of more rows than a dispatch has workgroups gets its gradient ${formOf(engine)}`, async () => {
    const most = engine.device.limits.maxComputeWorkgroupsPerDimension;
    const [vocabulary, width] = [most + 4000, 6];
    const tokens = [0, most, most - 1, 17, vocabulary - 1, most, 3999];
    const values = randomValues(1, tokens.length * width);
    const table = ownTensor(engine, "table", { rows: vocabulary, columns: width }, true);
    const images = upload(engine, "images", { rows: 1, columns: width }, new Array(width).fill(0));
    const cotangent = upload(engine, "c", { rows: tokens.length, columns: width }, values);
    const places = tokens.map((_, place) => place).sort((a, b) => tokens[a] - tokens[b]);
    const starts = Int32Array.from(
      { length: vocabulary + 1 },
      (_, token) => tokens.filter((other) => other < token).length,
    );
    const arrays = {
      sources: uploadInts(engine, tokens),
      starts: uploadInts(engine, starts),
      places: uploadInts(engine, places),
      imageRows: uploadInts(engine, [-1]),
    };
    let widest = 0;
    const { dtable } = await runOnce(engine, (tape) => {
      const y = embedding(tape, table, images, arrays, tokens.length);
      backwardFrom(tape, y, cotangent);
      widest = Math.max(...tape.commands.flatMap(({ grid }) => grid));
      return { dtable: tape.gradientOf(table) };
    });
    assert.ok(widest <= most, `a grid of ${widest} workgroups`);
    const expected = embeddingBackward(tokens, values, { vocabulary, width });
    assertClose(dtable, expected, FLOAT32, "dtable");
    for (const tensor of [table, images, cotangent]) freeTensor(engine, tensor);
    for (const array of Object.values(arrays)) array.destroy();
  });

  Deno.test(`a table that is not trained gets no gradient from mixtures ${formOf(engine)}`, async () => {
    const weights = upload(engine, "w", { rows: 2, columns: 3 }, [1, 0, 2, 0, 0, 1]);
    const table = upload(engine, "t", { rows: 3, columns: 2 }, [1, 2, 3, 4, 5, 6]);
    table.needsGradient = false;
    const read = await runOnce(engine, (tape) => {
      const y = mixEmbeddings(tape, weights, table);
      assert.equal(y.needsGradient, false);
      tape.backward();
      return { y, dtable: tape.gradientOf(table) };
    });
    assert.deepEqual([...read.y], [11, 14, 5, 6]);
    assert.equal(read.dtable, undefined);
    for (const tensor of [weights, table]) freeTensor(engine, tensor);
  });
}
