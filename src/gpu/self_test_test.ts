/** The self-test itself: right kernels pass, wrong ones are named, and it costs nothing extra. */
import assert from "node:assert/strict";
import { destroyModel } from "../models/multimodal.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import { expandGrid } from "../study/grid.ts";
import { loadStudy } from "../study/load.ts";
import { loadStudyData, outlineStudy } from "../study/prepare.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { createRunModel } from "../training/run_model.ts";
import type { Kernel } from "./kernel.ts";
import type { Engine } from "./program.ts";
import { assertSelfTest, selfTest, type SelfTestResult } from "./self_test.ts";

const failing = (results: SelfTestResult[]) =>
  results.filter(({ passed }) => !passed).map(({ kernel }) => kernel);

/** The engine with other code in the kernels whose code the change touches. */
function withChangedKernels(
  engine: Engine,
  names: string[] | "all",
  change: (code: string) => string,
): Engine {
  const cache = new Map([...engine.cache].map(([key, kernel]): [string, Kernel] => {
    if (names !== "all" && !names.includes(kernel.template.name)) return [key, kernel];
    const code = change(kernel.code);
    assert.notEqual(code, kernel.code, `the change leaves ${kernel.template.name} as it was`);
    const { device } = engine;
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [kernel.layout] }),
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
    return [key, { ...kernel, code, pipeline }];
  }));
  return { ...engine, cache };
}

for (const engine of await testEngines()) {
  const right = await selfTest(engine);

  Deno.test(`right kernels pass ${formOf(engine)}`, () => {
    assert.deepEqual(failing(right), []);
    assertSelfTest(right);
  });

  Deno.test(`the self-test leaves no matrices behind ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    await selfTest(engine);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`one wrong kernel is named and no other ${formOf(engine)}`, async () => {
    const wrong = withChangedKernels(
      engine,
      ["rms_norm_backward"],
      (code) => code.replace("- load_x(column, row) * mean", "+ load_x(column, row) * mean"),
    );
    const results = await selfTest(wrong);
    assert.deepEqual(failing(results), ["rms_norm_backward", "rms_norm_backward with residual"]);
    assert.throws(() => assertSelfTest(results), /self-test failed for rms_norm_backward \(off by/);
  });

  Deno.test(`results that are no numbers fail ${formOf(engine)}`, async () => {
    const wrong = withChangedKernels(
      engine,
      ["swiglu_forward"],
      (code) => code.replace("gate * sigmoid(gate)", "gate * sqrt(-1.0 - abs(gate))"),
    );
    assert.deepEqual(failing(await selfTest(wrong)), ["swiglu_forward"]);
  });
}

const [engine] = await testEngines();

Deno.test("a value of any kernel that is off by a thousandth is seen", async () => {
  const results = await selfTest(withChangedKernels(engine, "all", (code) =>
    code
      .replaceAll(/(textureStore\(.*), value\)/g, "$1, 1.001 * value)")
      .replace("squares, vec4f(1.0))", "squares, vec4f(1.01))")
      .replace("let norm = sqrt(total)", "let norm = 1.001 * sqrt(total)")
      .replace("= total * select", "= 1.001 * total * select")
      .replaceAll("= i32(index)", "= i32(index) + 1")));
  assert.deepEqual(failing(results), results.map(({ kernel }) => kernel));
});

Deno.test("a kernel that the adapter refuses ends the self-test", async () => {
  engine.device.pushErrorScope("validation");
  const refused = withChangedKernels(engine, ["rope"], (code) => code + "\nthis is no WGSL");
  assert.ok(await engine.device.popErrorScope());
  await assert.rejects(selfTest(refused), /Cannot run self-test: the adapter refuses a kernel/);
});

Deno.test("a result that is no number is no pass", () => {
  const result = { kernel: "rope", maxError: NaN, tolerance: 1e-5, passed: false };
  assert.throws(() => assertSelfTest([result]), /rope \(off by NaN/);
});

Deno.test("the self-test checks the pipelines of the default study, each of them and no other", async () => {
  const quick = await loadStudy("quick", ".");
  const study = { ...quick, data: { ...quick.data, trainImages: 100, testImages: 10 } };
  const data = await outlineStudy(study, await loadStudyData(study, {}), "");
  const tested = { ...engine, cache: new Map(engine.cache) };
  await selfTest(tested);
  const known = new Set(tested.cache.keys());
  const asked = new Set<string>();
  tested.cache.get = (key) => {
    asked.add(key);
    return Map.prototype.get.call(tested.cache, key);
  };
  for (const settings of expandGrid({ ...study, seeds: 1 })) {
    const model = createRunModel(tested, settings, data);
    const programs = [compileTrainingStep(model, settings.training), compileQuestioner(model)];
    for (const program of programs) program.destroy();
    destroyModel(model);
  }
  assert.deepEqual([...asked].sort(), [...known].sort());
});
