import assert from "node:assert/strict";
import fc from "fast-check";
import { claimVerdict, type Direction, DIRECTIONS } from "./claims.ts";
import { summarise } from "./intervals.ts";
import { studentTCdf } from "./student_t.ts";

const direction = fc.constantFrom(...DIRECTIONS);
const margin = fc.double({ min: 0, max: 2, noNaN: true });
const differences = fc.array(fc.integer({ min: -300, max: 300 }).map((value) => value / 100), {
  minLength: 5,
  maxLength: 10,
});

/** Around `centre`, with a 95 % interval of about ± 0.2. */
const around = (centre: number) => summarise([-0.1, 0.1, 0, 0.2, -0.2].map((d) => centre + d));

Deno.test("a claim is judged by where the interval lies beside its region", () => {
  const cases: [Direction, number, number, string][] = [
    ["higher", 0.5, 1, "supported"],
    ["higher", 0.5, 0.6, "cannot tell at this size"],
    // Surely above 0, and surely not by as much as was claimed.
    ["higher", 0.5, 0.25, "not supported"],
    ["higher", 0, 0.25, "supported"],
    ["lower", 0.5, -1, "supported"],
    ["lower", 0.5, 1, "not supported"],
    ["unchanged", 0.5, 0.2, "supported"],
    ["unchanged", 0.5, 0.4, "cannot tell at this size"],
    ["unchanged", 0.5, -1, "not supported"],
    ["unchanged", 0.1, 0, "cannot tell at this size"],
    ["not lower", 0.5, 3, "supported"],
    ["not lower", 0.5, -0.2, "supported"],
    ["not lower", 0.5, -0.4, "cannot tell at this size"],
    ["not lower", 0.5, -1, "not supported"],
    ["not higher", 0.5, -3, "supported"],
    ["not higher", 0.5, 1, "not supported"],
  ];
  for (const [direction, margin, centre, want] of cases) {
    assert.equal(
      claimVerdict({ direction, margin }, around(centre)),
      want,
      `${direction} by ${margin} at ${centre}`,
    );
  }
});

Deno.test("fewer than five seeds tell nothing", () => {
  assert.equal(
    claimVerdict({ direction: "higher", margin: 0 }, summarise([1, 1.01, 1, 1.01])),
    "cannot tell at this size",
  );
  assert.equal(
    claimVerdict({ direction: "higher", margin: 0 }, summarise([1])),
    "cannot tell at this size",
  );
});

Deno.test("mirrored differences give the mirrored claim the same verdict", () => {
  fc.assert(fc.property(differences, direction, margin, (values, direction, margin) => {
    const mirror = {
      higher: "lower",
      lower: "higher",
      unchanged: "unchanged",
      "not lower": "not higher",
      "not higher": "not lower",
    } as const;
    assert.equal(
      claimVerdict({ direction, margin }, summarise(values)),
      claimVerdict(
        { direction: mirror[direction], margin },
        summarise(values.map((value) => -value)),
      ),
    );
  }));
});

Deno.test("unchanged is supported exactly where both one-sided tests reject at 2.5 %", () => {
  fc.assert(fc.property(differences, margin, (values, margin) => {
    const { n, mean, sd } = summarise(values);
    const p = (distance: number) => studentTCdf(-distance / (sd! / Math.sqrt(n)), n - 1);
    const larger = Math.max(p(margin - mean), p(margin + mean));
    if (sd === 0 || Math.abs(larger - 0.025) < 1e-9) return;
    const verdict = claimVerdict({ direction: "unchanged", margin }, summarise(values));
    assert.equal(verdict === "supported", larger < 0.025);
  }));
});

Deno.test("unchanged is supported exactly where neither lower nor higher", () => {
  fc.assert(fc.property(differences, margin, (values, margin) => {
    const [unchanged, notLower, notHigher] = (["unchanged", "not lower", "not higher"] as const)
      .map((direction) => claimVerdict({ direction, margin }, summarise(values)) === "supported");
    assert.equal(unchanged, notLower && notHigher);
  }));
});

Deno.test("no difference is both higher and unchanged by one margin", () => {
  fc.assert(fc.property(differences, margin, (values, margin) => {
    const supported = (["higher", "lower", "unchanged"] as const).filter((direction) =>
      claimVerdict({ direction, margin }, summarise(values)) === "supported"
    );
    // A margin of 0 leaves nothing between higher and lower.
    assert.ok(supported.length <= 1, supported.join());
  }));
});
