import assert from "node:assert/strict";
import fc from "fast-check";
import { erf, erfc } from "./erf.ts";

/** Computed with 40 digits. */
const VALUES: [x: number, erf: number, erfc: number][] = [
  [0.1, 0.11246291601828489, 0.88753708398171511],
  [0.5, 0.52049987781304654, 0.47950012218695346],
  [1, 0.84270079294971487, 0.15729920705028513],
  [1.4, 0.95228511976264881, 0.047714880237351189],
  [1.6, 0.97634838334464401, 0.023651616655355992],
  [2, 0.99532226501895273, 0.0046777349810472658],
  [3, 0.99997790950300141, 2.2090496998585441e-5],
  [5, 0.99999999999846254, 1.5374597944280349e-12],
];

const close = (a: number, b: number) => Math.abs(a - b) <= 2e-14 * Math.abs(b);

Deno.test("erf and erfc have their known values", () => {
  for (const [x, e, c] of VALUES) {
    assert.ok(close(erf(x), e), `erf(${x}) is ${erf(x)}`);
    assert.ok(close(erfc(x), c), `erfc(${x}) is ${erfc(x)}`);
    assert.ok(close(erfc(-x), 1 + e), `erfc(${-x}) is ${erfc(-x)}`);
  }
  assert.equal(erf(0), 0);
});

Deno.test("erf is odd and adds up to one with erfc", () => {
  fc.assert(fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => {
    assert.equal(erf(-x) + erf(x), 0);
    assert.ok(Math.abs(erf(x) + erfc(x) - 1) < 1e-15);
  }));
});
