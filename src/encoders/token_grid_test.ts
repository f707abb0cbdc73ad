import assert from "node:assert/strict";
import { poolTokens, toTokens } from "./token_grid.ts";

Deno.test("channels first becomes tokens row by row, each with its channels", () => {
  // images 2, channels 3, height 2, width 2; the value spells its place.
  const data = Float32Array.from({ length: 24 }, (_, i) => i);
  const tokens = toTokens(data, [2, 3, 2, 2]);
  assert.deepEqual([tokens.tokens, tokens.width], [4, 3]);
  assert.deepEqual([...tokens.data.subarray(0, 6)], [0, 4, 8, 1, 5, 9]);
  assert.deepEqual([...tokens.data.subarray(12, 15)], [12, 16, 20]);
});

Deno.test("tokens last and a single vector are taken as they are", () => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  assert.deepEqual(toTokens(data, [2, 3, 2]), { tokens: 3, width: 2, data });
  assert.deepEqual(toTokens(data, [3, 4]), { tokens: 1, width: 4, data });
});

Deno.test("an output of another shape is refused", () => {
  assert.throws(() => toTokens(new Float32Array(12), [2, 3, 3]), /12 numbers are not 2 x 3 x 3/);
  assert.throws(() => toTokens(new Float32Array(4), [4]), RangeError);
});

Deno.test("pooling averages square blocks and keeps a class token", () => {
  const grid = Float32Array.from({ length: 16 }, (_, i) => i);
  const plain = poolTokens({ tokens: 16, width: 1, data: grid }, 2);
  assert.deepEqual(plain, { tokens: 4, width: 1, data: Float32Array.of(2.5, 4.5, 10.5, 12.5) });
  const led = poolTokens(
    { tokens: 17, width: 1, data: Float32Array.of(99, ...grid, -99, ...grid) },
    2,
  );
  assert.deepEqual([...led.data], [99, 2.5, 4.5, 10.5, 12.5, -99, 2.5, 4.5, 10.5, 12.5]);
  const wide = poolTokens({
    tokens: 4,
    width: 2,
    data: Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40),
  }, 1);
  assert.deepEqual(wide, { tokens: 1, width: 2, data: Float32Array.of(2.5, 25) });
});

Deno.test("a grid that cannot be pooled is refused", () => {
  const tokens = (count: number) => ({ tokens: count, width: 1, data: new Float32Array(count) });
  assert.throws(() => poolTokens(tokens(15), 1), /15 image tokens are no square grid/);
  assert.throws(() => poolTokens(tokens(16), 3), /a grid of 4 x 4 image tokens to 3 x 3/);
  assert.throws(() => poolTokens(tokens(16), 0), RangeError);
});
