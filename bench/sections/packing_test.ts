import assert from "node:assert/strict";
import { formOf, testEngines } from "../../src/testing/gpu.ts";
import { exampleFrame } from "../example_record.ts";
import { TINY_SIZE } from "../example_step.ts";
import { fullBatch } from "../training_model.ts";
import { measurePacking, packing, type PackingRecord, separated } from "./packing.ts";

const losses = { tokenLoss: 2, cosineLoss: 0.5, gradientNorm: 4 };
const example = (separate = losses, gradientDifference = 2e-6): PackingRecord => ({
  questions: 10,
  steps: 5,
  packed: {
    layout: "packed",
    size: "1 x (5 + 10 x 12)",
    dispatches: 9,
    flops: 2e9,
    milliseconds: [100, 90, 110],
    losses,
  },
  separate: {
    layout: "separate",
    size: "10 x (5 + 1 x 12)",
    dispatches: 9,
    flops: 5e9,
    milliseconds: [300, 290, 310],
    losses: separate,
  },
  gradientDifference,
});

Deno.test("both layouts are shown with their losses", () => {
  assert.equal(
    packing.render(example({ ...losses, tokenLoss: 2.000002 }), exampleFrame),
    `\
The same 10 questions, trained on from the same first weights: the questions of an image in one sequence, and each in a sequence of its own. The layouts take turns of 5 steps, each turn ended by one wait.

| Layout   | Size              | GFLOP | ms a step |      Quartiles | Questions/s |     L_TP |    L_cos | Gradient norm |
| -------- | ----------------- | ----: | --------: | -------------: | ----------: | -------: | -------: | ------------: |
| packed   | 1 x (5 + 10 x 12) |  2.00 |     100.0 |  95.0 to 105.0 |       100.0 | 2.000000 | 0.500000 |      4.000000 |
| separate | 10 x (5 + 1 x 12) |  5.00 |     300.0 | 295.0 to 305.0 |        33.3 | 2.000002 | 0.500000 |      4.000000 |

Losses and gradient norms differ by at most 1.0e-6 of themselves, the gradients by 2.0e-6 of their norm: float32 sums in another order.
`,
  );
});

Deno.test("a record from before says that every step had its wait", () => {
  const { steps: _, ...old } = example();
  assert.match(packing.render(old, exampleFrame), /\. Steps in turn, each with its wait\.\n/);
});

Deno.test("other losses or gradients miss the aim", () => {
  const met = (record: PackingRecord) =>
    packing.targets!(record, exampleFrame).map(({ met }) => met);
  assert.deepEqual(met(example()), [true, true]);
  assert.deepEqual(met(example({ ...losses, cosineLoss: 0.501 })), [true, false]);
  assert.deepEqual(met(example(losses, 1e-3)), [true, false]);
});

Deno.test("separate sequences hold every question once, behind its image", () => {
  const entries = fullBatch(TINY_SIZE.layout);
  const { size, entries: single } = separated(TINY_SIZE, entries);
  assert.deepEqual([size.layout.batch, size.layout.blocks], [6, 1]);
  assert.deepEqual(single.map(({ image }) => image), [0, 0, 0, 1, 1, 1]);
  assert.deepEqual(
    single.flatMap(({ questions }) => questions),
    entries.flatMap(({ questions }) => questions),
  );
});

Deno.test("a sample is five steps and one wait", async () => {
  const [engine] = await testEngines();
  const { queue } = engine.device;
  const { submit, onSubmittedWorkDone } = queue;
  /** Submits before each wait, since the wait before. */
  const submits: number[] = [0];
  queue.submit = (...args) => {
    submits[submits.length - 1]++;
    return submit.apply(queue, args);
  };
  queue.onSubmittedWorkDone = () => {
    submits.push(0);
    return onSubmittedWorkDone.apply(queue);
  };
  try {
    const record = await measurePacking(engine, TINY_SIZE, 2);
    assert.equal(record.steps, 5);
    assert.equal(record.packed.milliseconds.length, 2);
  } finally {
    // What was put on the object hid the methods of its prototype.
    const own: Partial<GPUQueue> = queue;
    delete own.submit;
    delete own.onSubmittedWorkDone;
  }
  // Before the first sample gradients are read, and nothing is submitted behind the last.
  assert.deepEqual(submits.slice(1), [5, 5, 5, 0]);
});

Deno.test("packed and separate questions give the same losses and gradients", async () => {
  for (const engine of await testEngines()) {
    const before = engine.memory.bytes;
    const record = await measurePacking(engine, TINY_SIZE, 1);
    const [, equal] = packing.targets!(record, exampleFrame);
    assert.ok(equal.met, `${formOf(engine)}: ${equal.measured}`);
    assert.ok(record.gradientDifference > 0, "nothing was compared");
    assert.equal(record.questions, 6);
    assert.equal(engine.memory.bytes, before);
  }
});
