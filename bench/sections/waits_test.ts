import assert from "node:assert/strict";
import { testEngines } from "../../src/testing/gpu.ts";
import { exampleFrame } from "../example_record.ts";
import { TINY_SIZE } from "../example_step.ts";
import { compileStep } from "../training_model.ts";
import { runCounted, waits, type WaitsRecord } from "./waits.ts";

const example: WaitsRecord = {
  size: "hidden 8",
  readEvery: 64,
  steps: [1, 2, 3, 4, 5],
  inSteps: { submit: 5, onSubmittedWorkDone: 0, mapAsync: 0 },
  inAll: { submit: 6, onSubmittedWorkDone: 0, mapAsync: 1 },
};

Deno.test("the text tells steps, waits and how long a step held the host", () => {
  assert.equal(
    waits.render(example, exampleFrame),
    `\
5 steps (hidden 8) made 5 submits and 0 waits. Losses were read back every 64 steps and at the end, which took 1 waits. A wait is a call of \`mapAsync\` or \`onSubmittedWorkDone\`. The host was held by a step for

| Quantile |   ms |
| -------- | ---: |
| 5 %      | 1.20 |
| 25 %     | 2.00 |
| 50 %     | 3.00 |
| 75 %     | 4.00 |
| 95 %     | 4.80 |
| longest  | 5.00 |

On lavapipe \`submit\` itself returns only when the submission before has finished, so a step holds the host for about as long as the one before it computes.
`,
  );
});

Deno.test("a wait inside a step misses the aim, as does one reading too many", () => {
  const met = (record: WaitsRecord) => waits.targets!(record, exampleFrame).map(({ met }) => met);
  assert.deepEqual(met(example), [true, true]);
  const inSteps = { ...example.inSteps, onSubmittedWorkDone: 1 };
  assert.deepEqual(met({ ...example, inSteps }), [false, true]);
  assert.deepEqual(met({ ...example, inAll: { ...example.inAll, mapAsync: 2 } }), [true, false]);
});

Deno.test("training steps are counted as they are, and a step that waits is found out", async () => {
  const [engine] = await testEngines();
  const bench = compileStep(engine, TINY_SIZE);
  const record = await runCounted(bench, 3);
  assert.equal(record.steps.length, 3);
  assert.deepEqual(record.inSteps, { submit: 3, onSubmittedWorkDone: 0, mapAsync: 0 });
  assert.deepEqual(record.inAll, { submit: 4, onSubmittedWorkDone: 0, mapAsync: 1 });
  const pending: Promise<unknown>[] = [];
  const waiting = () => {
    bench.run();
    pending.push(engine.device.queue.onSubmittedWorkDone());
  };
  const { inSteps } = await runCounted({ ...bench, run: waiting }, 2);
  assert.equal(inSteps.onSubmittedWorkDone, 2);
  await Promise.all(pending);
  bench.destroy();
});
