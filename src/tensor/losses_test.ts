/** Cross-entropy with a teacher and of many classes, against the float64 reference, on both operand forms. */
import assert from "node:assert/strict";
import { freeTensor } from "../gpu/tensor.ts";
import {
  crossEntropy as referenceLoss,
  crossEntropyBackward,
  IGNORED,
} from "../reference/cross_entropy.ts";
import { takeColumns } from "../reference/heads.ts";
import { matmul } from "../reference/matmul.ts";
import { randomValues } from "../reference/random_values.ts";
import { softmax } from "../reference/softmax.ts";
import { formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { linear } from "./linear.ts";
import { crossEntropy } from "./losses.ts";

const [ROWS, CLASSES] = [9, 7];
const LABELS = [3, 0, IGNORED, 6, 2, 5, IGNORED, 1, 4];
const FLOAT32 = { rtol: 1e-5, atol: 1e-6 };

for (const engine of await testEngines()) {
  const values = (seed: number) =>
    Float64Array.from(randomValues(seed, ROWS * CLASSES, 4), Math.fround);
  const [x, t] = [values(1), values(2)];
  const run = (xi?: number, shift = 0) => {
    const shape = { rows: ROWS, columns: CLASSES };
    const logits = upload(engine, "logits", shape, x);
    const teacher = upload(engine, "teacher", shape, t.map((value) => value + shift));
    return runOnce(engine, (tape) => {
      const labels = uploadInts(engine, LABELS);
      const taught = xi === undefined ? undefined : { logits: teacher, xi };
      const loss = crossEntropy(tape, logits, labels, taught);
      tape.backward();
      return { loss, dx: tape.gradientOf(logits), none: tape.gradientOf(teacher) };
    }, { tokenScale: 0.5 });
  };

  Deno.test(`a teacher's predictions are learnt beside the labels ${formOf(engine)}`, async () => {
    const xi = 0.3;
    const { loss, dx, none } = await run(xi);
    assert.equal(none, undefined);
    const { rowLoss, logsumexp } = referenceLoss(x, LABELS, CLASSES);
    const shares = softmax(t, CLASSES);
    const taught = rowLoss.map((_, r) =>
      LABELS[r] === IGNORED ? 0 : logsumexp[r] - Array.from(
        { length: CLASSES },
        (_, j) => shares[r * CLASSES + j] * x[r * CLASSES + j],
      ).reduce((a, b) => a + b)
    );
    assertClose(takeColumns(loss, 4, 0, 1), rowLoss, FLOAT32, "loss to the labels");
    assertClose(takeColumns(loss, 4, 2, 1), taught, FLOAT32, "loss to the teacher");
    const weights = Float64Array.from(LABELS, () => 0.5 * (1 - xi));
    const byLabels = crossEntropyBackward(x, LABELS, weights, CLASSES);
    const predicted = softmax(x, CLASSES);
    const wanted = byLabels.map((value, i) =>
      LABELS[Math.floor(i / CLASSES)] === IGNORED
        ? 0
        : value + 0.5 * xi * (predicted[i] - shares[i])
    );
    assertClose(dx, wanted, FLOAT32, "gradient");
  });

  Deno.test(`of a teacher's logits only their differences count, however large they are ${formOf(engine)}`, async () => {
    const [near, far] = [await run(0.3), await run(0.3, 200)];
    const tolerance = { rtol: 1e-4, atol: 1e-5 };
    assertClose(far.dx, near.dx, tolerance, "gradient");
    const taught = ({ loss }: typeof near) => takeColumns(loss, 4, 2, 1);
    assertClose(taught(far), taught(near), tolerance, "loss to the teacher");
  });

  Deno.test(`a vocabulary wider than a texture is learnt ${formOf(engine)}`, async () => {
    const [rows, inner] = [3, 6];
    const classes = 4 * engine.device.limits.maxTextureDimension2D + 2;
    const labels = [classes - 1, IGNORED, 5];
    const [h, w] = [randomValues(3, rows * inner), randomValues(4, classes * inner)];
    const x = upload(engine, "x", { rows, columns: inner }, h);
    const weight = upload(engine, "weight", { rows: classes, columns: inner }, w);
    const { dx, dweight } = await runOnce(engine, (tape) => {
      crossEntropy(tape, linear(tape, x, weight), uploadInts(engine, labels));
      tape.backward();
      return { dx: tape.gradientOf(x), dweight: tape.gradientOf(weight) };
    }, { tokenScale: 0.5 });
    const size = { m: rows, k: inner, n: classes };
    const logits = matmul("NT", h, w, size);
    const dy = crossEntropyBackward(logits, labels, Array(rows).fill(0.5), classes);
    assertClose(dx, matmul("NN", dy, w, { m: rows, k: classes, n: inner }), FLOAT32, "dx");
    assertClose(dweight, matmul("TN", dy, h, { m: classes, k: rows, n: inner }), FLOAT32, "dW");
    for (const tensor of [x, weight]) freeTensor(engine, tensor);
  });

  Deno.test(`a teacher of no weight changes nothing, bit for bit ${formOf(engine)}`, async () => {
    const [alone, beside] = [await run(), await run(0)];
    assert.deepEqual(beside.dx, alone.dx);
    assert.deepEqual(takeColumns(beside.loss, 4, 0, 2), takeColumns(alone.loss, 4, 0, 2));
  });
}
