import assert from "node:assert/strict";
import { defaultPlan } from "../gpu/plan.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { ASSUMED_SPEED, estimateStudy, estimateTest, measureSpeed } from "./estimate.ts";
import { expandGrid } from "./grid.ts";
import { loadStudyData, outlineStudy } from "./prepare.ts";
import type { Study } from "./study.ts";

const plan = defaultPlan("image", true);
const outline = await outlineStudy(tinyStudy(), await loadStudyData(tinyStudy(), {}), "unused");
const estimate = (study: Study, speed = ASSUMED_SPEED, data = outline) =>
  estimateStudy(expandGrid(study), data, plan, speed);
const tiny = tinyStudy();

Deno.test("a study is estimated without a device", () => {
  const { seconds, bytes } = estimate(tiny);
  assert.ok(seconds > 0 && Number.isFinite(seconds));
  // The decoder's, the projector's and AdamW's numbers at the least.
  assert.ok(bytes > 3 * 4 * 7000 && bytes < 1e8, `${bytes} bytes`);
});

Deno.test("twice the seeds take twice the time and no more memory", () => {
  const [one, two] = [estimate({ ...tiny, seeds: 1 }), estimate({ ...tiny, seeds: 2 })];
  assert.ok(Math.abs(two.seconds / one.seconds - 2) < 1e-9);
  assert.equal(two.bytes, one.bytes);
});

Deno.test("more steps, a wider model and a slower adapter take longer; a wider model takes more memory", async () => {
  const base = estimate(tiny);
  assert.ok(
    estimate({ ...tiny, training: { ...tiny.training, steps: 400 } }).seconds > 20 * base.seconds,
  );
  const wider = { ...tiny, llm: { ...tiny.llm, shape: { ...tiny.llm.shape!, hiddenSize: 64 } } };
  const data = await outlineStudy(wider, await loadStudyData(wider, {}), "unused");
  const wide = estimate(wider, ASSUMED_SPEED, data);
  assert.ok(wide.seconds > base.seconds && wide.bytes > base.bytes);
  assert.ok(estimate(tiny, { flops: 1e6, source: "measured" }).seconds > 100 * base.seconds);
});

Deno.test("a round that is taught costs its teacher's forward pass and memory too", () => {
  const [arm] = tiny.arms;
  const rounds = (count: number) =>
    estimate({ ...tiny, arms: [{ ...arm, rounds: { count, xi: 0.5 } }], controls: [] });
  const [plain, one, two] = [0, 1, 2].map(rounds);
  assert.ok(one.seconds > 2.1 * plain.seconds, `${one.seconds} and ${plain.seconds} seconds`);
  assert.ok(Math.abs(two.seconds - 2 * one.seconds + plain.seconds) < 1e-9 * two.seconds);
  assert.ok(one.bytes > plain.bytes);
  assert.equal(two.bytes, one.bytes);
});

Deno.test("a test costs less than the training before it, and its share of time grows with the test set", () => {
  const [settings] = expandGrid(tiny);
  const test = (data = outline) => estimateTest(settings, data, plan, ASSUMED_SPEED);
  const whole = estimateStudy([settings], outline, plan, ASSUMED_SPEED);
  assert.ok(test().seconds > 0 && test().seconds < whole.seconds / 2);
  assert.ok(test().bytes > 0 && test().bytes < whole.bytes);
  const questions = [...outline.test.questions, ...outline.test.questions];
  const twice = { ...outline, test: { ...outline.test, questions } };
  assert.ok(Math.abs(test(twice).seconds / test().seconds - 2) < 1e-9);
});

Deno.test("nothing to run costs nothing", () => {
  assert.deepEqual(estimateStudy([], outline, plan, ASSUMED_SPEED), { seconds: 0, bytes: 0 });
});

for (const engine of await testEngines()) {
  Deno.test(`an adapter's speed is measured, and its memory given back, ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const { flops, source } = await measureSpeed(engine);
    assert.equal(source, "measured");
    assert.ok(flops > 1e6 && flops < 1e16, `${flops}`);
    assert.equal(engine.memory.bytes, before);
  });
}

Deno.test("a run of several stages takes the time of all of them and the memory of the largest", () => {
  const [arm] = tiny.arms;
  const of = (...stages: string[]) =>
    estimate({ ...tiny, seeds: 1, arms: [{ ...arm, stages }], controls: [] });
  const [small, large] = [of("projector"), of("all")];
  assert.ok(large.bytes > small.bytes);
  for (const both of [of("projector", "all"), of("all", "projector")]) {
    assert.equal(both.bytes, large.bytes);
    assert.ok(Math.abs(both.seconds - small.seconds - large.seconds) < 1e-9 * both.seconds);
  }
});
