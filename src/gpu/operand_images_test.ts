/** Copies of large operands: which are made, when, and that they change no number. */
import assert from "node:assert/strict";
import { randomValues } from "../reference/random_values.ts";
import { add } from "../tensor/elementwise.ts";
import { matmulNN, matmulNT } from "../tensor/matmul.ts";
import { createTape } from "../tensor/tape.ts";
import { runOnce, testEngines, upload } from "../testing/gpu.ts";
import { createEngine } from "./engine.ts";
import { imaginaryDevice } from "./imaginary_device.ts";
import { COPY, copyLargeOperands } from "./operand_images.ts";
import { defaultPlan } from "./plan.ts";
import { ownTensor } from "./tensor.ts";

const MOST_TEXELS = 16_000;
const imagined = createEngine(imaginaryDevice(), defaultPlan("image", true));

/** Kernels of a program that adds two matrices and multiplies the sum, copies made. */
function kernelsOf(rows: number, columns: number, mostTexels = MOST_TEXELS): string[] {
  const tape = createTape(imagined);
  const x = ownTensor(imagined, "x", { rows, columns });
  const weight = ownTensor(imagined, "weight", { rows: columns, columns });
  const sum = add(tape, x, x);
  matmulNT(tape, sum, weight);
  matmulNN(tape, sum, weight);
  return copyLargeOperands(tape.commands, mostTexels).map(({ kernel }) => kernel);
}

Deno.test("a large operand is copied once, before the first product that reads it", () => {
  assert.deepEqual(kernelsOf(2500, 64), ["add", COPY, "matmul_nt", "matmul_nn"]);
});

Deno.test("small, uneven, folded and wide operands are not copied", () => {
  const plain = ["add", "matmul_nt", "matmul_nn"];
  assert.deepEqual(kernelsOf(2499, 64), plain);
  assert.deepEqual(kernelsOf(5000, 68), plain, "rows that are no multiple of 256 bytes");
  assert.deepEqual(kernelsOf(2500, 64, 2499), plain, "more rows than a texture");
  assert.deepEqual(kernelsOf(125, 1280, 319), plain, "wider than a texture");
  assert.ok(kernelsOf(125, 1280, 320).includes(COPY));
});

Deno.test("what is written again is copied again", () => {
  const tape = createTape(imagined);
  const x = ownTensor(imagined, "x", { rows: 2500, columns: 64 });
  const weight = ownTensor(imagined, "weight", { rows: 64, columns: 64 });
  const sum = add(tape, x, x);
  matmulNT(tape, sum, weight);
  tape.commands.push(tape.commands[0]);
  matmulNT(tape, sum, weight);
  assert.deepEqual(
    copyLargeOperands(tape.commands, MOST_TEXELS).map(({ kernel }) => kernel),
    ["add", COPY, "matmul_nt", "add", COPY, "matmul_nt"],
  );
});

Deno.test("a product of a copied operand is the same on images and buffers", async () => {
  const rows = 2600;
  const values = randomValues(1, rows * 64);
  const weights = randomValues(2, 64 * 64);
  const results = [];
  for (const engine of await testEngines()) {
    const x = upload(engine, "x", { rows, columns: 64 }, values);
    const weight = upload(engine, "weight", { rows: 64, columns: 64 }, weights);
    results.push(
      (await runOnce(engine, (tape) => ({
        y: matmulNT(tape, add(tape, x, x), weight),
      }))).y,
    );
  }
  assert.deepEqual(results[0], results[1]);
  assert.ok(results[0].some((value) => value !== 0));
});
