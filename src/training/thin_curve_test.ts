import assert from "node:assert/strict";
import { thinCurve } from "./thin_curve.ts";

const losses = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ tokenLoss: i + 1, cosineLoss: 2 * (i + 1) }));

Deno.test("up to a hundred steps each is a point", () => {
  const curve = thinCurve(losses(100));
  assert.deepEqual(curve.map(({ step }) => step), losses(100).map((_, i) => i + 1));
  assert.deepEqual(curve[41], { step: 42, tokenLoss: 42, cosineLoss: 84 });
  assert.deepEqual(thinCurve([]), []);
});

Deno.test("of more steps the points are means over stretches, and the last steps count too", () => {
  const curve = thinCurve(losses(250));
  assert.equal(curve.length, 84);
  assert.deepEqual(curve[0], { step: 3, tokenLoss: 2, cosineLoss: 4 });
  assert.deepEqual(curve.at(-1), { step: 250, tokenLoss: 250, cosineLoss: 500 });
  const sum = curve.reduce((all, { tokenLoss }, i) => all + tokenLoss * (i < 83 ? 3 : 1), 0);
  assert.ok(Math.abs(sum - 250 * 251 / 2) < 1e-9);
});
