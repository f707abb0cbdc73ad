import assert from "node:assert/strict";
import fc from "fast-check";
import { stream } from "./random.ts";

Deno.test("a stream is fixed by seed and name, and by nothing else", () => {
  const draw = (seed: number, name: string) =>
    Array.from({ length: 8 }, stream(seed, name).uniform);
  assert.deepEqual(draw(7, "weights"), draw(7, "weights"));
  assert.notDeepEqual(draw(7, "weights"), draw(8, "weights"));
  assert.notDeepEqual(draw(7, "weights"), draw(7, "batches"));
  // Seed and name stay apart when joined.
  assert.notDeepEqual(draw(1, "1"), draw(11, ""));
});

Deno.test("the first numbers of a stream never change between versions", () => {
  const { int } = stream(0, "pictures");
  assert.deepEqual(Array.from({ length: 8 }, () => int(1000)), [
    909,
    26,
    597,
    119,
    313,
    736,
    563,
    559,
  ]);
});

Deno.test("uniform and normal draws have the right moments", () => {
  const { uniform, normal } = stream(3, "moments");
  const n = 20000;
  const moments = (draw: () => number) => {
    let sum = 0, squares = 0;
    for (let i = 0; i < n; i++) {
      const value = draw();
      sum += value;
      squares += value * value;
    }
    return { mean: sum / n, variance: squares / n - (sum / n) ** 2 };
  };
  const flat = moments(uniform), bell = moments(normal);
  assert.ok(
    Math.abs(flat.mean - 0.5) < 0.01 &&
      Math.abs(flat.variance - 1 / 12) < 0.003,
    JSON.stringify(flat),
  );
  assert.ok(
    Math.abs(bell.mean) < 0.03 && Math.abs(bell.variance - 1) < 0.05,
    JSON.stringify(bell),
  );
});

Deno.test("a shuffle keeps every item, leaves its argument alone, and puts each item everywhere", () => {
  fc.assert(fc.property(fc.integer(), fc.array(fc.integer()), (seed, items) => {
    const before = [...items];
    const shuffled = stream(seed, "shuffle").shuffle(items);
    assert.deepEqual(items, before);
    assert.deepEqual(
      shuffled.toSorted((a, b) => a - b),
      items.toSorted((a, b) => a - b),
    );
  }));
  const { shuffle } = stream(5, "places");
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) counts[shuffle([0, 1, 2, 3]).indexOf(0)]++;
  for (const count of counts) {
    assert.ok(Math.abs(count - 1000) < 120, String(counts));
  }
});

Deno.test("integers stay in range, and a range or seed that is none is refused", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, n) => {
      const value = stream(seed, "int").int(n);
      assert.ok(Number.isInteger(value) && value >= 0 && value < n);
    }),
  );
  assert.throws(() => stream(1, "int").int(0), RangeError);
  assert.throws(() => stream(1.5, "int"), {
    name: "RangeError",
    message: /seed 1.5 is not a whole number/,
  });
});
