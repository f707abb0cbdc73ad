import assert from "node:assert/strict";
import { formOf, testEngines } from "../../src/testing/gpu.ts";
import { exampleFrame, exampleKernels } from "../example_record.ts";
import { BENCHMARKS } from "../programs.ts";
import { kernels } from "./kernels.ts";

Deno.test("rates are put beside the roofline and the plain form", () => {
  assert.equal(
    kernels.render(exampleKernels(), exampleFrame),
    `\
| Benchmark            | Size       | Dispatches |    ms |      Quartiles | Wall ms | GFLOP/s | Of peak | GB/s | Of copy | Plain ms | Times plain |
| -------------------- | ---------- | ---------: | ----: | -------------: | ------: | ------: | ------: | ---: | ------: | -------: | ----------: |
| projection, forward  | 8 x 4 -> 4 |          2 | 20.00 | 19.50 to 20.50 |   30.00 |    50.0 |    50 % | 0.20 |     3 % |   400.00 |        20.0 |
| cosine loss, forward | 4 x 4      |          1 |  5.00 |   4.50 to 5.50 |    5.00 |         |         | 6.40 |    80 % |    10.00 |         2.0 |
`,
  );
});

Deno.test("where the plain form has no timestamps, both forms are compared by the wall clock", () => {
  const [product] = exampleKernels();
  product.plain.gpu = null;
  const [, , row] = kernels.render([product], exampleFrame).trim().split("\n");
  // 500 ms over 30 by the wall clock; 20 of the 30 by timestamps.
  assert.deepEqual(row.split("|").slice(-3, -1).map((cell) => cell.trim()), ["500.00", "16.7"]);
});

Deno.test("the cosine loss is held against every roof that memcpy may mean", () => {
  assert.deepEqual(
    kernels.targets!(exampleKernels(), exampleFrame).map(({ measured, met }) => [measured, met]),
    [["0.80", true], ["0.40", false], ["0.20", false]],
  );
});

Deno.test("compulsory traffic counts inputs, results and gradients once", () => {
  const bytes = (group: string) => BENCHMARKS.find((benchmark) => benchmark.group === group)!.bytes;
  const square = 4 * 2048 * 2048;
  assert.equal(bytes("cosine loss, forward"), 2 * square + 16 * 2048);
  assert.equal(bytes("cosine loss, forward and backward"), 4 * square + 16 * 2048);
  // x, weight -> y; then dy -> dx, dweight.
  assert.equal(bytes("RMSNorm, forward"), 4 * (2 * 2320 * 128 + 128));
  assert.equal(bytes("RMSNorm, forward and backward"), 4 * (4 * 2320 * 128 + 2 * 128));
  assert.equal(bytes("AdamW"), 7 * 4 * 4 * 512 * 512);
});

Deno.test("a benchmark is measured in both forms and leaves nothing behind", async () => {
  for (const engine of await testEngines()) {
    const before = engine.memory.bytes;
    const [record, ...others] = await kernels.measure!({
      engine,
      plain: engine,
      samples: 2,
      wants: (name) => name === "RMSNorm, forward",
      longSteps: 21,
      say: () => {},
    });
    assert.deepEqual(others, []);
    assert.equal(record.dispatches, 1);
    for (const { wall, gpu } of [record.plain, record.chosen]) {
      assert.equal(wall.length, 2, formOf(engine));
      assert.ok([...wall, ...gpu ?? []].every((time) => time > 0 && time < 10_000));
    }
    assert.equal(engine.memory.bytes, before);
  }
});
