import assert from "node:assert/strict";
import { defaultPlan } from "../gpu/plan.ts";
import { describeBlock, formatTuned } from "./tune_format.ts";

const plan = defaultPlan("image", true);
const adapter = { description: "llvmpipe", driver: "lavapipe in the cache" };
const [predicted, other] = [{ rows: 16, texels: 4, across: 4 }, { rows: 8, texels: 2, across: 8 }];

Deno.test("a block is described in one phrase", () => {
  assert.equal(describeBlock(predicted), "16x16, 4 across");
  assert.equal(
    describeBlock({ ...other, tile: { depth: 16, half: true } }),
    "8x8, 8 across, tile 16 f16",
  );
});

Deno.test("the table says what was tried, what was predicted and what was chosen", () => {
  const timings = [
    { block: predicted, milliseconds: 0.5 },
    { block: other, milliseconds: 0.25 },
  ];
  const tuned = [
    { name: "nt 64x64x64", count: 2, flops: 9, before: predicted, chosen: other, timings },
  ];
  assert.equal(
    formatTuned({ adapter, plan, seconds: 1.25, tuned }),
    `Adapter: llvmpipe (driver: lavapipe in the cache)
Operands in image form, 8 lanes a workgroup; blocks are rows x columns an invocation. 1.3 s.

class        used  chosen         tried (* the predicted one)
nt 64x64x64  2 x   8x8, 8 across  0.250 ms 8x8, 8 across; 0.500 ms 16x16, 4 across *`,
  );
});

Deno.test("without timestamps the table says that nothing was timed", () => {
  const text = formatTuned({ adapter, plan, seconds: 0, tuned: [] });
  assert.match(text, /Nothing was timed: the adapter has no timestamp queries\.$/);
});
