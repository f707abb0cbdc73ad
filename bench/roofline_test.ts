import assert from "node:assert/strict";
import { readMatrix } from "../src/gpu/memory.ts";
import { compileProgram } from "../src/gpu/program.ts";
import { freeTensor, ownTensor } from "../src/gpu/tensor.ts";
import { randomValues } from "../src/reference/random_values.ts";
import { createTape } from "../src/tensor/tape.ts";
import { formOf, testEngines, upload } from "../src/testing/gpu.ts";
import { exampleRoofline } from "./example_record.ts";
import { measureRoofline, rate, renderRoofline, roof } from "./roofline.ts";

Deno.test("a roof is the best rate by median", () => {
  const { arithmetic } = exampleRoofline();
  assert.deepEqual(arithmetic.map(rate), [50e9, 100e9]);
  assert.equal(roof(arithmetic), 100e9);
});

Deno.test("the roofline's table names the best form of each roof", () => {
  assert.equal(
    renderRoofline(exampleRoofline()),
    `\
| Roof                       | Best form                           |  Rate | Unit                  |    ms |      Quartiles |
| -------------------------- | ----------------------------------- | ----: | --------------------- | ----: | -------------: |
| multiply-add in registers  | 3 chains, fma()                     | 100.0 | GFLOP/s               | 20.00 | 19.50 to 20.50 |
| copy kernel                | buffer to buffer, a row a workgroup |   8.0 | GB/s read and written |  4.00 |   4.00 to 4.00 |
| copy command of the device | buffer to buffer                    |  16.0 | GB/s read and written |  2.00 |   2.00 to 2.00 |
| memcpy of the host         | Float32Array.set, one thread        |  32.0 | GB/s read and written |  1.00 |   1.00 to 1.00 |
`,
  );
});

Deno.test("the copy kernel copies, in both orders and on sizes that divide nothing", async () => {
  for (const engine of await testEngines()) {
    const [rows, columns] = [37, 52];
    const values = Float32Array.from(randomValues(1, rows * columns));
    const x = upload(engine, "x", { rows, columns }, values);
    for (const ACROSS of [0, 1]) {
      const y = ownTensor(engine, "y", { rows, columns });
      const tape = createTape(engine);
      tape.dispatch("roofline_copy", {
        matrices: { x, y },
        sizes: { rows, width4: x.width4 },
        constants: { ACROSS },
        grid: [ACROSS ? rows : Math.ceil(rows / engine.plan.lanes), 1],
      });
      const program = compileProgram(engine, tape.commands);
      program.run();
      assert.deepEqual(await readMatrix(engine.device, y.matrix!), values, formOf(engine));
      program.destroy();
      freeTensor(engine, y);
    }
    freeTensor(engine, x);
  }
});

Deno.test("every roof is measured, its sums checked, and nothing is left behind", async () => {
  const [engine] = await testEngines();
  const before = engine.memory.bytes;
  const record = await measureRoofline(engine, 1);
  assert.deepEqual(
    Object.values(record).map((tests) => tests.length),
    [12, 6, 1, 1],
  );
  for (const tests of Object.values(record)) {
    assert.ok(tests.every((test: { milliseconds: number[] }) => test.milliseconds.length === 1));
    assert.ok(roof(tests) > 0 && roof(tests) < 1e15);
  }
  assert.equal(engine.memory.bytes, before);
});
