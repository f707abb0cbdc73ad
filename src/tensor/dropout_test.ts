/** Dropout: its masks against the reference, their statistics, and what they depend on. */
import assert from "node:assert/strict";
import { freeTensor } from "../gpu/tensor.ts";
import { dropout as reference } from "../reference/dropout.ts";
import { randomValues } from "../reference/random_values.ts";
import { add } from "../reference/values.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { dropout } from "./dropout.ts";
import { linear } from "./linear.ts";

const ROWS = 150;
const COLUMNS = 62;
const SHAPE = { rows: ROWS, columns: COLUMNS };
const FLOAT32 = { rtol: 1e-6, atol: 1e-7 };

for (const engine of await testEngines()) {
  /** Which of many ones are dropped. */
  const maskOf = async (rate: number, site: number, step: { seed: number; number: number }) => {
    const x = upload(engine, "ones", SHAPE, new Float32Array(ROWS * COLUMNS).fill(1));
    const { y } = await runOnce(engine, (tape) => ({ y: dropout(tape, x, { rate, site }) }), step);
    freeTensor(engine, x);
    return y;
  };

  Deno.test(`dropout and its gradient are the reference's ${formOf(engine)}`, async () => {
    const [x, dy, other] = [1, 2, 3].map((seed) => randomValues(seed, ROWS * COLUMNS));
    const [given, cotangent, beside] = [x, dy, other]
      .map((values) => upload(engine, "x", SHAPE, values));
    for (const rate of [0.3, 0.5]) {
      const key = { seed: 4_000_000_000, step: 70_000, site: 17 };
      const read = await runOnce(engine, (tape) => {
        // The gradient is added to what has been gathered.
        tape.accumulate(given, () => beside);
        const y = dropout(tape, given, { rate, site: key.site });
        backwardFrom(tape, y, cotangent);
        return { y, dx: tape.gradientOf(given) };
      }, { seed: key.seed, number: key.step });
      const expected = reference(x, COLUMNS, rate, key);
      assertClose(read.y, expected, FLOAT32, "y");
      assert.deepEqual([...read.y].map((v) => v === 0), [...expected].map((v) => v === 0));
      assertClose(read.dx, add(reference(dy, COLUMNS, rate, key), other), FLOAT32, "dx");
    }
    for (const tensor of [given, cotangent, beside]) freeTensor(engine, tensor);
  });

  Deno.test(`dropout keeps its share and the expectation, in every column of four ${formOf(engine)}`, async () => {
    for (const rate of [0.1, 0.3, 0.9]) {
      const mask = await maskOf(rate, 0, { seed: 1, number: 0 });
      for (let lane = 0; lane < 4; lane++) {
        const own = mask.filter((_, i) => i % COLUMNS % 4 === lane);
        const kept = own.filter((value) => value !== 0);
        // Five standard deviations of a binomial share.
        const deviation = Math.sqrt(rate * (1 - rate) / own.length);
        const share = kept.length / own.length;
        assert.ok(Math.abs(share - (1 - rate)) < 5 * deviation, `${share} kept at rate ${rate}`);
        assert.ok(kept.every((value) => value === Math.fround(1 / (1 - rate))));
      }
    }
  });

  Deno.test(`masks differ between steps, seeds and sites, and come again ${formOf(engine)}`, async () => {
    const rate = 0.5;
    const first = await maskOf(rate, 1, { seed: 1, number: 5 });
    assert.deepEqual(await maskOf(rate, 1, { seed: 1, number: 5 }), first);
    const others = [
      await maskOf(rate, 2, { seed: 1, number: 5 }),
      await maskOf(rate, 1, { seed: 2, number: 5 }),
      await maskOf(rate, 1, { seed: 1, number: 6 }),
      await maskOf(rate, 0, { seed: 2, number: 5 }),
    ];
    for (const other of others) {
      // Independent masks agree on half of their elements: five standard deviations are 0.026.
      const same = first.filter((value, i) => value === other[i]).length / first.length;
      assert.ok(Math.abs(same - 0.5) < 0.026, `${same} of the elements agree`);
    }
  });

  Deno.test(`neighbouring elements are dropped independently ${formOf(engine)}`, async () => {
    const mask = await maskOf(0.5, 3, { seed: 9, number: 2 });
    for (const distance of [1, 2, 3, 4, COLUMNS, 2 * COLUMNS]) {
      const pairs = mask.length - distance;
      let same = 0;
      for (let i = 0; i < pairs; i++) if (mask[i] === mask[i + distance]) same++;
      assert.ok(Math.abs(same / pairs - 0.5) < 0.026, `${same / pairs} agree at ${distance}`);
    }
  });

  Deno.test(`what dropout leaves of a product trains its factors ${formOf(engine)}`, async () => {
    const [rate, key] = [0.3, { seed: 3, step: 8, site: 2 }];
    const [x, dy] = [1, 2].map((seed) => randomValues(seed, ROWS * COLUMNS));
    const unit = Float32Array.from(
      { length: COLUMNS ** 2 },
      (_, i) => i % (COLUMNS + 1) === 0 ? 1 : 0,
    );
    const given = upload(engine, "x", SHAPE, x);
    const cotangent = upload(engine, "dy", SHAPE, dy);
    const identity = upload(engine, "I", { rows: COLUMNS, columns: COLUMNS }, unit);
    const read = await runOnce(engine, (tape) => {
      const y = linear(tape, dropout(tape, given, { rate, site: key.site }), identity);
      backwardFrom(tape, y, cotangent);
      return { y, dx: tape.gradientOf(given) };
    }, { seed: key.seed, number: key.step });
    assertClose(read.y, reference(x, COLUMNS, rate, key), FLOAT32, "y");
    assertClose(read.dx, reference(dy, COLUMNS, rate, key), FLOAT32, "dx");
    for (const tensor of [given, cotangent, identity]) freeTensor(engine, tensor);
  });

  Deno.test(`without a rate nothing is dispatched, and wrong ones are refused ${formOf(engine)}`, async () => {
    const x = upload(engine, "x", { rows: 2, columns: 3 }, [1, 2, 3, 4, 5, 6]);
    await runOnce(engine, (tape) => {
      assert.equal(dropout(tape, x, { rate: 0, site: 0 }), x);
      assert.equal(tape.commands.length, 0);
      for (const rate of [1, -0.1, NaN]) {
        assert.throws(() => dropout(tape, x, { rate, site: 0 }), RangeError);
      }
      assert.throws(() => dropout(tape, x, { rate: 0.1, site: 65536 }), RangeError);
      return {};
    });
    freeTensor(engine, x);
  });
}
