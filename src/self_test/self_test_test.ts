/** The self-test itself: right kernels pass, wrong ones are named, and it costs nothing extra. */
import assert from "node:assert/strict";
import { encodedTokens } from "../data/packing.ts";
import type { Engine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import { isMatrix, type Kernel, type MatrixPlace } from "../gpu/kernel.ts";
import { KERNELS } from "../gpu/kernel_files.ts";
import type { Constants } from "../gpu/template.ts";
import { destroyModel } from "../models/multimodal.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import { expandGrid } from "../study/grid.ts";
import { studyKernels } from "../study/kernels.ts";
import { loadStudy } from "../study/load.ts";
import { loadStudyData, outlineStudy } from "../study/prepare.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { compileFreshP2 } from "../training/fresh_p2.ts";
import { createRunModel } from "../training/run_model.ts";
import { CASES } from "./cases.ts";
import { describeVariant, isolate } from "./isolate.ts";
import {
  assertSelfTest,
  type KernelVariant,
  relativeError,
  selfTest,
  type SelfTestResult,
} from "./self_test.ts";

const quick = await loadStudy("quick", ".");
const study = { ...quick, data: { ...quick.data, trainImages: 100, testImages: 10 } };
const data = await outlineStudy(study, await loadStudyData(study, {}), "");
const runs = expandGrid({ ...study, seeds: 1 });

const failing = (results: SelfTestResult[]) =>
  results.filter(({ passed }) => !passed).map(({ kernel }) => kernel);

/** The engine with other code in the kernels that are chosen. */
function withChangedKernels(
  engine: Engine,
  chosen: (kernel: Kernel) => boolean,
  change: (code: string) => string,
): Engine {
  const cache = new Map([...engine.cache].map(([key, kernel]): [string, Kernel] => {
    if (!chosen(kernel)) return [key, kernel];
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

/** A variant with all of its matrices in one kind of place, but for those that must be buffers. */
function variantOf(name: string, constants: Constants, place: MatrixPlace): KernelVariant {
  const template = KERNELS.get(name)!;
  const declared = template.operands.filter((operand) =>
    isMatrix(operand) && (!operand.condition || constants[operand.condition])
  );
  const places = Object.fromEntries(
    declared.map(({ name, role }) => [name, role === "state" ? "buffer" : place]),
  );
  return { template, constants, places };
}

/** Kernel variants that the default study has no use for. */
function moreVariants({ plan }: Engine): KernelVariant[] {
  const block = { ROWS: 8, TEXELS: 1, SPAN: 1, ACROSS: 4, DOWN: plan.lanes / 4 };
  const { ROWS: _, ...rest } = block;
  const tile = { ...rest, ROWS4: 1, DEPTH4: 4 };
  const { form } = plan;
  const more: [string, Constants][] = [
    ["layer_norm_forward", {}],
    ["layer_norm_backward", { ADD: 1 }],
    ["layer_norm_weight_gradient", {}],
    ["gelu_backward", { TANH: 0 }],
    ["gelu_backward", { TANH: 1, ADD: 1 }],
    ["gelu_backward", { TANH: 0, QUICK: 1 }],
    ["swiglu_forward", {}],
    ["swiglu_backward", { ADD: 1 }],
    ["rope_backward", { ADD: 1 }],
    ["attention_backward_query", { HEAD4: 1 }],
    ["attention_backward_key_value", { HEAD4: 1 }],
    ["attention_forward", { HEAD4: 2, FULL: 1 }],
    ["attention_backward_query", { HEAD4: 2, FULL: 1 }],
    ["attention_backward_key_value", { HEAD4: 2, FULL: 1 }],
    ["positions_forward", {}],
    ["positions_backward", { ADD: 1 }],
    ["unit_rows_forward", { SCALE: 1 }],
    ["unit_rows_backward", {}],
    ["unit_rows_backward", { SCALE: 1, ADD: 1 }],
    ["limit", { MIRROR: form === "image" ? 1 : 0 }],
    ["gather_rows", { ADD: 1 }],
    ["embedding_backward", { ADD: 1 }],
    ["column_sum", { ADD: 1 }],
    ["multiply", {}],
    ["multiply", { ADD: 1 }],
    ["dropout", {}],
    ["dropout", { ADD: 1 }],
    ["matmul_nt", { ...block, BEFORE: 1, ROPE: 1 }],
    ["matmul_tile_nt", { ...tile, TEXELS: 2, BEFORE: 1, SWIGLU: 1, KEEP: 1 }],
    ["cosine_loss", { DX: 0, DY: 1 }],
    ["cross_entropy", { TAUGHT: 1 }],
    ["centre_columns", {}],
    ["vicreg_terms", {}],
    ["cross_attention_forward", { HEAD4: 2 }],
    ["cross_attention_backward_query", { HEAD4: 2 }],
    ["cross_attention_backward_key_value", { HEAD4: 2 }],
    ["gated_add", {}],
    ["gated_add_backward", {}],
    ["matmul_nt", { ...block, GELU: 1, KEEP: 1, TANH: 1 }],
    ["matmul_nt", { ...block, BIAS: 1, GELU: 1, KEEP: 1, TANH: 0, QUICK: 1 }],
    ["matmul_nn", { ...block, GELU_GRADIENT: 1, USE: 1, TANH: 0, QUICK: 1 }],
    ["matmul_tile_tn", { ...tile, ADD: 1 }],
    ["matmul_tile_nt", { ...tile, ROPE: 1 }],
    ["matmul_nn", { ...block, GELU_GRADIENT: 1, USE: 1, TANH: 1, ADD: 1 }],
  ];
  return more.map(([name, constants]) => variantOf(name, constants, form));
}

for (const shared of await testEngines()) {
  const engine = { ...shared, cache: new Map() };
  const variants = studyKernels(engine, runs, data);
  const right = await selfTest(engine, variants);
  const ofKernel = (name: string) =>
    right.map(({ kernel }) => kernel).filter((kernel) => kernel.split(" ")[0] === name);

  Deno.test(`right kernels pass ${formOf(engine)}`, () => {
    assert.deepEqual(failing(right), []);
    assertSelfTest(right);
  });

  Deno.test(`every variant has a name of its own ${formOf(engine)}`, () => {
    assert.equal(new Set(right.map(({ kernel }) => kernel)).size, variants.length);
  });

  Deno.test(`the self-test checks the pipelines of the default study, each of them and no other ${formOf(engine)}`, () => {
    const asked = new Set<string>();
    const watched = { ...engine, cache: new Map(engine.cache) };
    watched.cache.get = (key) => {
      asked.add(key);
      return Map.prototype.get.call(watched.cache, key);
    };
    for (const settings of runs) {
      for (const stage of settings.stages) {
        const model = createRunModel(watched, settings, stage, data);
        const programs: { destroy(): void }[] = [
          compileTrainingStep(model, stage.training),
          compileQuestioner(model),
        ];
        const { layout, decoder } = model.config;
        const rows = settings.evaluation.embeddingImages * encodedTokens(layout);
        const shape = { rows, columns: decoder.hidden_size };
        programs.push(compileFreshP2(watched, shape, settings.seed));
        for (const program of programs) program.destroy();
        destroyModel(model);
      }
    }
    assert.deepEqual([...asked].sort(), [...engine.cache.keys()].sort());
  });

  Deno.test(`the self-test leaves no memory behind ${formOf(engine)}`, async () => {
    const { device } = engine;
    const alive = new Set<GPUBuffer | GPUTexture>();
    const watch = <Resource extends GPUBuffer | GPUTexture>(resource: Resource): Resource => {
      alive.add(resource);
      const destroy = resource.destroy.bind(resource);
      resource.destroy = () => {
        alive.delete(resource);
        return destroy();
      };
      return resource;
    };
    const { createBuffer, createTexture } = device;
    device.createBuffer = (descriptor) => watch(createBuffer.call(device, descriptor));
    device.createTexture = (descriptor) => watch(createTexture.call(device, descriptor));
    let most = 0;
    device.queue.submit = function (...args) {
      most = Math.max(most, alive.size);
      return Object.getPrototypeOf(this).submit.call(this, ...args);
    };
    const before = engine.memory.bytes;
    try {
      await selfTest(engine, variants);
    } finally {
      Object.assign(device, { createBuffer, createTexture });
      delete (device.queue as Partial<GPUQueue>).submit;
    }
    assert.ok(most > variants.length, `only ${most} buffers and textures were seen`);
    assert.equal(alive.size, 0);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`one wrong kernel is named and no other ${formOf(engine)}`, async () => {
    const wrong = withChangedKernels(
      engine,
      ({ template }) => template.name === "rms_norm_backward",
      (code) => code.replace("- load_x(column, row) * mean", "+ load_x(column, row) * mean"),
    );
    const results = await selfTest(wrong, variants);
    assert.deepEqual(failing(results), ofKernel("rms_norm_backward"));
    assert.throws(() => assertSelfTest(results), /self-test failed for rms_norm_backward .*off by/);
  });

  Deno.test(`results that are no numbers fail ${formOf(engine)}`, async () => {
    const wrong = withChangedKernels(
      engine,
      ({ constants }) => constants.SWIGLU === 1,
      (code) => code.replace("gate * sigmoid(gate)", "gate * sqrt(-1.0 - abs(gate))"),
    );
    const failed = failing(await selfTest(wrong, variants));
    assert.deepEqual(failed, ofKernel("matmul_nt").filter((kernel) => kernel.includes("SWIGLU")));
    assert.ok(failed.length > 0);
  });

  Deno.test(`a value that a kernel leaves out fails ${formOf(engine)}`, async () => {
    const wrong = withChangedKernels(
      engine,
      ({ template }) => template.name === "gather_rows",
      (code) => code.replace("if (row >= size.rows)", "if (row + 1u >= size.rows)"),
    );
    assert.deepEqual(failing(await selfTest(wrong, variants)), ofKernel("gather_rows"));
  });

  Deno.test(`kernels that the default study has no use for pass too ${formOf(engine)}`, async () => {
    const more = moreVariants(engine);
    const results = await selfTest(engine, more);
    assert.equal(results.length, more.length);
    assert.deepEqual(failing(results), []);
  });
}

const [shared] = await testEngines();
const engine = { ...shared, cache: new Map() };
const variants = studyKernels(engine, runs, data);

Deno.test("matrices that are taller than a texture are checked where they fold", async () => {
  const right = await selfTest(engine, [
    variantOf("rms_norm_backward", { ADD: 1 }, "folded image"),
    variantOf("gather_rows", {}, "folded image"),
  ]);
  assert.deepEqual(failing(right), []);
  const wrong = withChangedKernels(
    engine,
    () => true,
    (code) => code.replaceAll("% size.fold_x", "% (size.fold_x - 1u)"),
  );
  const places = variantOf("gather_rows", {}, "folded image");
  assert.equal(failing(await selfTest(wrong, [places])).length, 1);
});

Deno.test("a value of any kernel that is off by a thousandth is seen", async () => {
  await selfTest(engine, variants);
  const off = withChangedKernels(engine, () => true, (code) =>
    code
      .replaceAll(/(textureStore\(.*), value\)/g, "$1, 1.001 * value)")
      .replaceAll("] = value; }", "] = 1.001 * value; }")
      .replace("squares, vec4f(1.0))", "squares, vec4f(1.01))")
      .replace("let norm = sqrt(total)", "let norm = 1.001 * sqrt(total)")
      .replace("= total * select", "= 1.001 * total * select")
      .replaceAll("= i32(index)", "= i32(index) + 1"));
  const results = await selfTest(off, variants);
  assert.deepEqual(failing(results), results.map(({ kernel }) => kernel));
});

Deno.test("a quantity in the results of any kernel that is off by a thousandth is not lost beside others", () => {
  const imagined = { ...engine, device: imaginaryDevice(engine.device) };
  const lost: string[] = [];
  for (const variant of [...variants, ...moreVariants(engine)]) {
    const { checks } = isolate(imagined, variant, CASES[variant.template.name]);
    for (const { expected, tolerance, quantities } of checks) {
      // Kernels leave up to four quantities side by side.
      for (const column of [0, 1, 2, 3]) {
        const own = Array.from(expected, (value, i) => i % 4 === column ? Math.abs(value) : 0);
        const most = Math.max(...own);
        // A value that stands for nothing may be larger than all others.
        for (const bound of [Infinity, most]) {
          const isOff = (size: number) => size > 0 && size < bound;
          if (!own.some(isOff)) continue;
          const off = Array.from(expected, (value, i) => isOff(own[i]) ? 1.001 * value : value);
          const error = relativeError(off, { expected, quantities });
          if (error <= tolerance) lost.push(`${describeVariant(variant)} at ${column}: ${error}`);
        }
      }
    }
  }
  assert.deepEqual(lost, []);
});

Deno.test("what kernels leave for others beside their results is seen to be off by a thousandth", async () => {
  const { form } = engine.plan;
  const changes: [KernelVariant, string | RegExp, string][] = [
    [
      variantOf("cross_attention_forward", { HEAD4: 2 }, form),
      /(fn store_logsumexp.*), value/,
      "$1, 1.001 * value",
    ],
    [
      variantOf("cross_attention_backward_query", { HEAD4: 2 }, form),
      "vec4f(log,",
      "vec4f(1.001 * log,",
    ],
    [
      variantOf("cross_attention_backward_query", { HEAD4: 2 }, form),
      "vec4f(log, delta",
      "vec4f(log, 1.001 * delta",
    ],
    [variantOf("clip_scale", {}, form), "= select(min(", "= 1.001 * select(min("],
  ];
  for (const [variant, from, to] of changes) {
    const own = { ...engine, cache: new Map() };
    assert.deepEqual(failing(await selfTest(own, [variant])), []);
    const off = withChangedKernels(own, () => true, (code) => code.replace(from, to));
    assert.equal(failing(await selfTest(off, [variant])).length, 1, to);
  }
});

Deno.test("a kernel that the adapter refuses ends the self-test", async () => {
  engine.device.pushErrorScope("validation");
  const variant = variantOf("add", {}, "buffer");
  await selfTest(engine, [variant]);
  const refused = withChangedKernels(
    engine,
    ({ template }) => template.name === "add",
    (code) => code + "\nthis is no WGSL",
  );
  assert.ok(await engine.device.popErrorScope());
  await assert.rejects(
    selfTest(refused, [variant]),
    /Cannot run self-test: the adapter refuses a kernel/,
  );
});

Deno.test("a result that is no number is no pass", () => {
  const result = { kernel: "rope", maxError: NaN, tolerance: 1e-5, passed: false };
  assert.throws(() => assertSelfTest([result]), /rope \(off by NaN/);
});

Deno.test("every kernel that computes has a case, and what has none is not trusted", async () => {
  const measuring = [...KERNELS.keys()].filter((name) => name.startsWith("roofline"));
  const computing = [...KERNELS.keys()].filter((name) => !measuring.includes(name));
  assert.deepEqual(Object.keys(CASES).sort(), computing.sort());
  await assert.rejects(selfTest(engine, [variantOf(measuring[0], {}, "buffer")]), {
    message: `Cannot check kernel "${measuring[0]}": the self-test has no case for it`,
  });
});
