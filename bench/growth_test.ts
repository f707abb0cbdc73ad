import assert from "node:assert/strict";
import { testEngines } from "../src/testing/gpu.ts";
import {
  AXES,
  type Axis,
  axisSettings,
  BASE,
  countQueue,
  measureGrowth,
  measureTogether,
  type PointSetting,
  type WorkSize,
} from "./growth.ts";

/** Work as small as it can be, so that the tests end soon. */
const SMALL: WorkSize = { batch: 2, imageTokens: 4, hidden: 16, layers: 1, questions: 3 };

const [engine] = await testEngines();

const point = (axis: Axis, size: Partial<WorkSize>, layout: "packed" | "separate" = "packed") =>
  ({ axis, layout, size: { ...SMALL, ...size } }) satisfies PointSetting;

Deno.test("every axis goes through the base point and changes nothing but itself", () => {
  for (const axis of Object.keys(AXES) as Axis[]) {
    const settings = axisSettings(axis);
    for (const { size } of settings) {
      assert.deepEqual({ ...size, [axis]: BASE[axis] }, BASE);
    }
    for (const [layout, values] of Object.entries(AXES[axis])) {
      const measured = settings.filter((setting) => setting.layout === layout);
      assert.deepEqual(measured.map(({ size }) => size[axis]), values);
      assert.deepEqual(values, values.toSorted((a, b) => a - b));
      assert.ok(values.includes(BASE[axis]), `${axis}, ${layout}`);
    }
  }
});

Deno.test("each point has its samples and its counts, and its memory is freed", async () => {
  const { bytes } = engine.memory;
  const lines: string[] = [];
  const settings = [point("batch", { batch: 1 }), point("batch", { batch: 2 })];
  const [one, two] = await measureTogether(engine, settings, 2, (line) => lines.push(line));
  assert.equal(engine.memory.bytes, bytes);
  assert.deepEqual([one.value, two.value], [1, 2]);
  assert.equal(lines.length, 2);
  assert.match(lines[1], /^batch 2, packed: \d+\.\d ms a step at best$/);
  for (const measured of [one, two]) {
    assert.equal(measured.wall.length, 2);
    assert.ok(measured.wall.every((milliseconds) => milliseconds > 0));
    assert.ok(measured.stepsPerSample >= 3);
    assert.equal(measured.submits, 1);
    assert.ok(measured.totalBytes > measured.plannedBytes + measured.parameterBytes);
  }
  // Twice the batch is the same dispatches over twice the rows, and the same parameters.
  assert.equal(two.dispatches, one.dispatches);
  assert.equal(two.flops, 2 * one.flops);
  assert.equal(two.parameterBytes, one.parameterBytes);
  assert.equal(two.questionsPerStep, 2 * one.questionsPerStep);
  assert.ok(two.plannedBytes > one.plannedBytes);
  // 4 tokens of 96 float32 features an image, and some indices.
  assert.ok(two.uploadedBytes - one.uploadedBytes > 4 * 96 * 4);
});

Deno.test("timestamps are summed by kernel, once a sample, where the adapter has them", async () => {
  const [{ profiles }] = await measureTogether(engine, [point("layers", { layers: 1 })], 2);
  assert.equal(profiles.length, engine.device.features.has("timestamp-query") ? 2 : 0);
  for (const profile of profiles) {
    assert.ok(Object.keys(profile).some((kernel) => kernel.startsWith("matmul")));
    assert.ok(Object.values(profile).every((milliseconds) => milliseconds >= 0));
    assert.ok(Object.values(profile).some((milliseconds) => milliseconds > 0));
  }
});

Deno.test("packed and separate questions are the same work", async () => {
  const [packed, separate] = await measureTogether(
    engine,
    [point("questions", {}), point("questions", {}, "separate")],
    1,
  );
  assert.equal(packed.questionsPerStep, separate.questionsPerStep);
  assert.ok(separate.flops > packed.flops);
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-4 * b, `${a} is not ${b}`);
  near(separate.firstLosses.tokenLoss, packed.firstLosses.tokenLoss);
  near(separate.firstLosses.cosineLoss!, packed.firstLosses.cosineLoss!);
  near(separate.firstLosses.gradientNorm, packed.firstLosses.gradientNorm);
});

Deno.test("memory is freed when a measurement fails", async () => {
  const { bytes } = engine.memory;
  const failing = [point("hidden", {}), point("hidden", { hidden: 18 })];
  await assert.rejects(measureTogether(engine, failing, 1), RangeError);
  assert.equal(engine.memory.bytes, bytes);
});

Deno.test("submits and uploads are counted while the work runs, and not after", () => {
  const { device } = engine;
  const { queue } = device;
  const buffer = device.createBuffer({ size: 64, usage: GPUBufferUsage.COPY_DST });
  const work = () => {
    queue.writeBuffer(buffer, 0, new Float32Array(16));
    queue.writeBuffer(buffer, 0, new Int32Array(4));
    queue.submit([]);
  };
  assert.deepEqual(countQueue(queue, work), { submits: 1, uploadedBytes: 80 });
  assert.deepEqual(countQueue(queue, () => {}), { submits: 0, uploadedBytes: 0 });
  assert.throws(() =>
    countQueue(queue, () => {
      throw new Error("Work failed");
    })
  );
  assert.deepEqual(Object.keys(queue), []);
  work();
  buffer.destroy();
});

Deno.test("unknown axes and no samples are refused", async () => {
  await assert.rejects(measureGrowth(engine, { axes: ["depth"] }), {
    name: "RangeError",
    message:
      'Cannot measure growth along "depth": axes are batch, imageTokens, hidden, layers, questions',
  });
  await assert.rejects(measureGrowth(engine, { axes: ["batch"], samples: 0 }), {
    name: "RangeError",
    message: "Cannot measure growth: got 0 samples",
  });
});
