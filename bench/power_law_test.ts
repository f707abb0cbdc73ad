import assert from "node:assert/strict";
import fc from "fast-check";
import { stream } from "../src/data/random.ts";
import {
  findLinearRange,
  fitFixedCost,
  fitPowerLaw,
  type LocalExponent,
  localExponents,
  type Series,
} from "./power_law.ts";

const near = (got: number, want: number, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(got - want) <= tolerance * Math.max(1, Math.abs(want)),
    `${got} is not ${want}`,
  );

const exponent = fc.double({ min: -1, max: 4, noNaN: true });
const positive = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
/** Powers of two, ascending: neighbours far enough apart that rounding does not show. */
const values = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 8 })
  .map((powers) => powers.sort((a, b) => a - b).map((power) => 2 ** power));

Deno.test("a power law is recovered from its points", () => {
  fc.assert(fc.property(values, exponent, positive, (xs, p, c) => {
    const fit = fitPowerLaw(xs.map((x) => ({ x, y: c * x ** p })));
    near(fit.exponent, p);
    near(fit.constant, c);
    near(fit.interval!.low, p, 1e-6);
    near(fit.interval!.high, p, 1e-6);
    if (Math.abs(p) > 0.01) near(fit.r2!, 1);
  }));
});

Deno.test("units of work and cost change the constant, never the exponent", () => {
  const cost = fc.array(positive, { minLength: 8, maxLength: 8 });
  fc.assert(fc.property(values, cost, positive, positive, (xs, ys, unit, price) => {
    const plain = fitPowerLaw(xs.map((x, i) => ({ x, y: ys[i] })));
    const scaled = fitPowerLaw(xs.map((x, i) => ({ x: unit * x, y: price * ys[i] })));
    near(scaled.exponent, plain.exponent, 1e-6);
    near(scaled.interval!.low, plain.interval!.low, 1e-6);
    const constant = Math.log(price * plain.constant) - plain.exponent * Math.log(unit);
    near(Math.log(scaled.constant), constant, 1e-6);
  }));
});

Deno.test("the interval holds the true exponent as often as it says", () => {
  const { normal } = stream(1, "power law noise");
  const trials = 2000;
  for (const level of [0.5, 0.95]) {
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const points = [1, 2, 4, 8, 16, 32].map((x) => ({
        x,
        y: 3 * x ** 1.2 * Math.exp(0.1 * normal()),
      }));
      const { low, high } = fitPowerLaw(points, level).interval!;
      if (low <= 1.2 && 1.2 <= high) held++;
    }
    // Four standard errors of a share.
    near(held / trials, level, 4 * Math.sqrt(level * (1 - level) / trials));
  }
});

Deno.test("a least-squares power law agrees with one worked by hand", () => {
  // Logs to base 2: x = 0, 1, 2 and y = 0, 2, 3; slope 3/2, residuals -1/6, 1/3, -1/6.
  const { exponent, constant, interval, r2 } = fitPowerLaw([
    { x: 1, y: 1 },
    { x: 2, y: 4 },
    { x: 4, y: 8 },
  ]);
  near(exponent, 1.5);
  near(constant, 2 ** (1 / 6));
  near(r2!, 1 - (1 / 6) / (14 / 3));
  // Student's t at 97.5 % with 1 degree of freedom is 12.7062; the slope's error is sqrt(1/6 / 2).
  near(interval!.high - 1.5, 12.7062 * Math.sqrt(1 / 12), 1e-5);
});

Deno.test("two points give an exponent without interval, equal costs no R2", () => {
  const two = fitPowerLaw([{ x: 1, y: 2 }, { x: 10, y: 200 }]);
  near(two.exponent, 2);
  assert.equal(two.interval, null);
  const flat = fitPowerLaw([1, 2, 3].map((x) => ({ x, y: 7 })));
  near(flat.exponent, 0);
  assert.equal(flat.r2, null);
});

Deno.test("a power law needs two different and positive points", () => {
  assert.throws(() => fitPowerLaw([{ x: 2, y: 1 }, { x: 2, y: 3 }]), RangeError);
  assert.throws(() => fitPowerLaw([{ x: 2, y: 1 }]), RangeError);
  assert.throws(() => fitPowerLaw([{ x: 1, y: 1 }, { x: 2, y: 0 }]), {
    name: "RangeError",
    message: "Cannot fit a power law: (2, 0) is not positive",
  });
});

Deno.test("a drift that hits a whole round leaves local exponents as they are", () => {
  const drift = fc.array(positive, { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(values, exponent, drift, (xs, p, factors) => {
    const found = localExponents(
      xs.map((value) => ({ value, samples: factors.map((factor) => factor * value ** p) })),
    );
    assert.deepEqual(
      found.map(({ from, to }) => [from, to]),
      xs.slice(1).map((x, i) => [xs[i], x]),
    );
    for (const { exponent, interval } of found) {
      near(exponent, p);
      near(interval!.high, p, 1e-6);
    }
  }));
});

Deno.test("local exponents refuse rounds that do not pair", () => {
  assert.throws(
    () => localExponents([{ value: 1, samples: [1, 2] }, { value: 2, samples: [1] }]),
    { name: "RangeError", message: "Cannot compare 1 and 2: they have 2 and 1 samples" },
  );
});

/** Five rounds of a cost with noise of this standard deviation, relative. */
function measured(
  cost: (x: number) => number,
  noise: number,
  { normal } = stream(2, "timing noise"),
): Series[] {
  return [1, 2, 4, 8, 16, 32, 64].map((value) => ({
    value,
    samples: Array.from({ length: 5 }, () => cost(value) * Math.exp(noise * normal())),
  }));
}

const rangeOf = (cost: (x: number) => number, noise: number) =>
  findLinearRange(localExponents(measured(cost, noise)));

Deno.test("linear growth has no point where it stops being linear", () => {
  assert.deepEqual(rangeOf((x) => 3 * x, 0.02), { below: null, above: null });
});

Deno.test("growth stops being linear at the first point behind the kink", () => {
  assert.deepEqual(rangeOf((x) => Math.max(x, x ** 2 / 8), 0.02), { below: null, above: 16 });
});

Deno.test("a fixed cost dominates up to where the work outgrows it", () => {
  // Exponents from x to 2x are log2((4 + 2x) / (4 + x)): 0.74 from 8 to 16, 0.85 from 16 to 32.
  assert.deepEqual(rangeOf((x) => 4 + x, 0.01), { below: 16, above: null });
});

Deno.test("growth at the limits is rarely called not linear, however noisy", () => {
  for (const noise of [0.02, 1]) {
    const random = stream(4, "timing noise");
    const trials = 1000;
    let alarms = 0;
    for (let trial = 0; trial < trials; trial++) {
      const exponents = localExponents(measured((x) => x ** 1.15, noise, random));
      if (findLinearRange(exponents).above !== null) alarms++;
    }
    // One side of 5 %, and four standard errors.
    assert.ok(alarms / trials < 0.025 + 4 * Math.sqrt(0.025 / trials), `${alarms} alarms`);
  }
  assert.deepEqual(rangeOf((x) => x ** 1.3, 0.01), { below: null, above: 2 });
});

Deno.test("exponents of a single round decide nothing", () => {
  const once = [1, 2, 4].map((value) => ({ value, samples: [value ** 2] }));
  const exponents = localExponents(once);
  assert.deepEqual(exponents.map(({ interval }) => interval), [null, null]);
  assert.deepEqual(findLinearRange(exponents), { below: null, above: null });
});

Deno.test("slow growth behind a linear stretch is no fixed cost", () => {
  const step = (from: number, exponent: number): LocalExponent => ({
    from,
    to: 2 * from,
    exponent,
    interval: { low: exponent - 0.05, high: exponent + 0.05 },
  });
  assert.deepEqual(findLinearRange([step(1, 0.3), step(2, 1), step(4, 0.5)]), {
    below: 2,
    above: null,
  });
});

Deno.test("a fixed cost and a cost a unit are recovered", () => {
  fc.assert(fc.property(values, positive, positive, (xs, fixed, perUnit) => {
    const fit = fitFixedCost(xs.map((x) => ({ x, y: fixed + perUnit * x })))!;
    const scale = fixed + perUnit * xs.at(-1)!;
    near(fit.fixed, fixed, 1e-9 * scale);
    near(fit.perUnit, perUnit, 1e-9 * scale);
    near(fit.half, fixed / perUnit, 1e-6 * scale / perUnit);
  }));
});

Deno.test("the interval of a fixed cost holds it as often as it says", () => {
  const { normal } = stream(3, "fixed cost noise");
  const trials = 2000;
  let held = 0;
  for (let trial = 0; trial < trials; trial++) {
    const points = [1, 2, 4, 8, 16, 32].map((x) => ({
      x,
      y: (5 + 2 * x) * (1 + 0.02 * normal()),
    }));
    const { low, high } = fitFixedCost(points)!.interval;
    if (low <= 5 && 5 <= high) held++;
  }
  near(held / trials, 0.95, 4 * Math.sqrt(0.95 * 0.05 / trials));
});

Deno.test("no fixed cost is told from two points, or where nothing grows", () => {
  assert.equal(fitFixedCost([{ x: 1, y: 2 }, { x: 2, y: 3 }]), null);
  assert.equal(fitFixedCost([1, 2, 3].map((x) => ({ x, y: 10 - x }))), null);
  const none = fitFixedCost([1, 2, 3].map((x) => ({ x, y: x - 0.5 })))!;
  near(none.fixed, -0.5);
  assert.equal(none.half, 0);
});
