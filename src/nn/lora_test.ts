/** The low-rank product with its dropout, factors and blocks against the float64 reference. */
import assert from "node:assert/strict";
import { freeTensor } from "../gpu/tensor.ts";
import { dropout as referenceDropout } from "../reference/dropout.ts";
import { linear, linearBackward } from "../reference/linear.ts";
import { randomValues } from "../reference/random_values.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { checkLoraConfig, DEFAULT_LORA, loraDelta, type LoraTarget } from "./lora.ts";

const [ROWS, INPUTS, OUTPUTS, RANKS] = [23, 14, 18, 6];
const FLOAT32 = { rtol: 1e-5, atol: 1e-6 };

for (const engine of await testEngines()) {
  for (const rate of [0, 0.3]) {
    Deno.test(`the low-rank product with dropout ${rate} and its gradients ${formOf(engine)}`, async () => {
      const values = {
        x: randomValues(1, ROWS * INPUTS),
        a: randomValues(2, RANKS * INPUTS),
        b: randomValues(3, OUTPUTS * RANKS),
        // Two blocks of three, each of nine rows, and a factor.
        factors: Float64Array.from(
          { length: OUTPUTS * RANKS },
          (_, i) => Math.floor(i / RANKS / 9) === Math.floor(i % RANKS / 3) ? 8 : 0,
        ),
        dy: randomValues(4, ROWS * OUTPUTS),
      };
      const given = {
        x: upload(engine, "x", { rows: ROWS, columns: INPUTS }, values.x),
        a: upload(engine, "a", { rows: RANKS, columns: INPUTS }, values.a),
        b: upload(engine, "b", { rows: OUTPUTS, columns: RANKS }, values.b),
        factors: upload(engine, "f", { rows: OUTPUTS, columns: RANKS }, values.factors),
        dy: upload(engine, "dy", { rows: ROWS, columns: OUTPUTS }, values.dy),
      };
      const key = { seed: 7, step: 11, site: 3 };
      const read = await runOnce(engine, (tape) => {
        const y = loraDelta(tape, given.x, given, { rate, site: key.site });
        backwardFrom(tape, y, given.dy);
        const gradients = (["x", "a", "b"] as const).map((name) => [
          `d${name}`,
          tape.gradientOf(given[name]),
        ]);
        return { y, ...Object.fromEntries(gradients) };
      }, { seed: key.seed, number: key.step });
      for (const tensor of Object.values(given)) freeTensor(engine, tensor);

      const x = referenceDropout(values.x, INPUTS, rate, key);
      const b = values.b.map((value, i) => value * values.factors[i]);
      const z = linear(x, values.a, null, INPUTS);
      const outer = linearBackward(z, b, values.dy, RANKS);
      const inner = linearBackward(x, values.a, outer.gradX, INPUTS);
      assertClose(read.y, linear(z, b, null, RANKS), FLOAT32, "y");
      assertClose(read.dx, referenceDropout(inner.gradX, INPUTS, rate, key), FLOAT32, "dx");
      assertClose(read.da, inner.gradWeight, FLOAT32, "da");
      const db = outer.gradWeight.map((value, i) => value * values.factors[i]);
      assertClose(read.db, db, FLOAT32, "db");
      // Not merely small: the optimiser must find nothing there.
      assert.ok(values.factors.every((factor, i) => factor !== 0 || read.db[i] === 0));
    });
  }
}

Deno.test("settings that make no adapters are refused", () => {
  checkLoraConfig(DEFAULT_LORA);
  for (
    const wrong of [
      { rank: 0 },
      { rank: 1.5 },
      { alpha: NaN },
      { dropout: 1 },
      { dropout: -0.1 },
      { targets: [] },
      { targets: ["q_proj", "q_proj"] as LoraTarget[] },
      { targets: ["lm_head" as LoraTarget] },
    ]
  ) {
    assert.throws(() => checkLoraConfig({ ...DEFAULT_LORA, ...wrong }), {
      name: "RangeError",
      message: /^Cannot make LoRA adapters: /,
    });
  }
});
