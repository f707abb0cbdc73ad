import assert from "node:assert/strict";
import fc from "fast-check";
import {
  count,
  duration,
  fixed,
  meanAndInterval,
  plain,
  probability,
  rounded,
  signed,
} from "./number_format.ts";

Deno.test("numbers have fixed decimals, a real minus sign and no signed zero", () => {
  assert.equal(fixed(-1.005, 1), "\u22121.0");
  assert.equal(fixed(-0.004, 2), "0.00");
  assert.equal(signed(0.314, 2), "+0.31");
  assert.equal(signed(-0.314, 2), "\u22120.31");
  assert.equal(signed(0.004, 2), "0.00");
  assert.equal(signed(0, 2), "0.00");
});

Deno.test("a spread is shown only where there is one", () => {
  const interval = { low: 92.72, high: 93.56 };
  assert.equal(meanAndInterval({ mean: 93.14, interval }, 1), "93.1 ± 0.4");
  assert.equal(meanAndInterval({ mean: 93.14, interval: null }, 1), "93.1");
});

Deno.test("counts, settings and durations read as people write them", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(count(999), "999");
  assert.equal(plain(0.25), "0.25");
  assert.equal(duration(41.6), "42 s");
  assert.equal(duration(303), "5 min 3 s");
  assert.equal(duration(59.7), "1 min 0 s");
  assert.equal(duration(7800), "2 h 10 min");
});

Deno.test("NaN and infinity are never printed", () => {
  const formats = [
    (x: number) => fixed(x, 2),
    (x: number) => signed(x, 2),
    (x: number) => meanAndInterval({ mean: x, interval: { low: x, high: x } }, 1),
    count,
    plain,
    duration,
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(NaN, Infinity, -Infinity),
      fc.constantFrom(...formats),
      (value, format) => {
        assert.equal(format(value), "not finite");
      },
    ),
  );
});

Deno.test("p-values keep the side of 0.05 that they are on", () => {
  const given = [0, 0.0009, 0.001, 0.0494, 0.0496, 0.0504, 0.06, 1];
  assert.deepEqual(given.map(probability), [
    "< 0.001",
    "< 0.001",
    "0.001",
    "0.049",
    "0.0496",
    "0.0504",
    "0.060",
    "1.000",
  ]);
});

Deno.test("a rounded number has four significant digits and no zeros at its end", () => {
  assert.deepEqual([12345.6, 0.0123456, -0.5, 1e-9, NaN].map(rounded), [
    "12350",
    "0.01235",
    "\u22120.5",
    "1e\u22129",
    "not finite",
  ]);
});
