import assert from "node:assert/strict";
import { exampleFrame } from "../example_record.ts";
import { TINY_SIZE } from "../example_step.ts";
import { measureMemory, memory, type MemoryRecord } from "./memory.ts";

const record = (lastRss: number, lastEngine = 16e6): MemoryRecord => ({
  size: "hidden 8",
  readings: [
    { step: 20, rss: 200e6, heap: 6e6, engine: 16e6 },
    { step: 2000, rss: lastRss, heap: 6.5e6, engine: lastEngine },
  ],
});

Deno.test("memory is put beside that after twenty steps", () => {
  assert.equal(
    memory.render(record(201e6), exampleFrame),
    `\
A process of its own trains (hidden 8); garbage is collected before each reading.

| Steps | Process MB | Since step 20 | Matrices MB | JS heap MB |
| ----: | ---------: | ------------: | ----------: | ---------: |
|    20 |      200.0 |        0.00 % |      16.000 |        6.0 |
| 2,000 |      201.0 |       +0.50 % |      16.000 |        6.5 |
`,
  );
});

Deno.test("growth beyond 2 % and matrices that are not freed miss the aim", () => {
  const met = (record: MemoryRecord) => memory.targets!(record, exampleFrame)[0].met;
  assert.ok(met(record(203e6)) && met(record(197e6)));
  assert.ok(!met(record(205e6)));
  assert.ok(!met(record(200e6, 16e6 + 4)));
});

Deno.test("a process of its own trains and reads its memory", async () => {
  const { readings } = await measureMemory(TINY_SIZE, 24);
  assert.deepEqual(readings.map(({ step }) => step), [20, 24]);
  assert.ok(readings.every(({ rss, heap, engine }) => rss > heap && heap > 0 && engine > 0));
  assert.equal(readings[0].engine, readings[1].engine);
});
