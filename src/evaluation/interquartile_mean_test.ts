import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { interquartileMean } from "./interquartile_mean.ts";

Deno.test("interquartile means agree with the golden ones, over seeds and over seeds and tasks", () => {
  const { json } = readGolden("statistics", "seeds");
  for (const [name, { n, iqm }] of Object.entries<{ n: number; iqm: number }>(json.expected.iqm)) {
    const values: number[] = json[name].flat();
    assert.equal(values.length, n);
    const bound = json.tolerance.atol + json.tolerance.rtol * Math.abs(iqm);
    assert.ok(Math.abs(interquartileMean(values) - iqm) <= bound, name);
  }
});

Deno.test("it lies between the extremes, and moving these outward changes nothing", () => {
  const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 4, maxLength: 20 });
  fc.assert(fc.property(values, fc.integer({ min: 1, max: 1000 }), (list, far) => {
    const sorted = list.toSorted((a, b) => a - b);
    const centre = interquartileMean(list);
    assert.ok(centre >= sorted[0] && centre <= sorted.at(-1)!);
    const stretched = [sorted[0] - far, ...sorted.slice(1, -1), sorted.at(-1)! + far];
    assert.equal(interquartileMean(stretched), centre);
  }));
});

Deno.test("no values are refused", () => {
  assert.throws(() => interquartileMean([]), RangeError);
});
