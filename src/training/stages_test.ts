/** Stages: what each trains, what it leaves alone, and what begins anew between them. */
import assert from "node:assert/strict";
import { packBatch } from "../data/packing.ts";
import { readTensor } from "../gpu/bands.ts";
import type { Engine } from "../gpu/engine.ts";
import type { Checkpoint } from "../models/llama_weights.ts";
import { llamaSpecs } from "../models/llama_weights.ts";
import { destroyModel, type ModelWeights, writeBatch } from "../models/multimodal.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { drawValues } from "../nn/parameters.ts";
import type { Study } from "../study/study.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { batchFeatures, trainingBatches } from "./batches.ts";
import { run, type RunOutcome } from "./run.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings, StageSettings } from "./settings.ts";

const study = tinyStudy({
  lora: { rank: 2, alpha: 8, dropout: 0.3, targets: ["q_proj", "v_proj"] },
  seeds: 1,
});
const { data, runs } = await prepareTiny(study);
const [engine] = await testEngines();

/** The run of an arm at lambda 1, or of the baseline, with other stages. */
function settingsOf(arm: string, stages: Partial<StageSettings>[], seed = 1): RunSettings {
  const settings = runs.find((run) =>
    run.arm === arm && run.lambda === Number(arm !== "baseline")
  )!;
  const [{ training }] = settings.stages;
  return {
    ...settings,
    seed,
    stages: stages.map((stage, index) => ({
      name: `stage-${index}`,
      train: ["P1"],
      draw: [],
      ...stage,
      training: { ...training, ...stage.training },
    })),
  };
}

const outcomesOf = (settings: RunSettings, on = engine): Promise<RunOutcome[]> =>
  Array.fromAsync(run(on, settings, data));

/** Names of the matrices in which two maps differ; both must have the same names. */
function changedIn(
  before: ReadonlyMap<string, MatrixValues>,
  after: ReadonlyMap<string, MatrixValues>,
): string[] {
  assert.deepEqual([...before.keys()], [...after.keys()]);
  return [...before].flatMap(([name, { data }]) =>
    data.every((value, i) => Object.is(value, after.get(name)!.data[i])) ? [] : [name]
  );
}

/** What a stage's training changes on the device, and what it computes. */
async function trainOnDevice(engine: Engine, settings: RunSettings) {
  const [stage] = settings.stages;
  const model = createRunModel(engine, settings, stage, data);
  const step = compileTrainingStep(model, stage.training);
  const parameters = [
    ...model.connector,
    ...model.objective,
    ...model.decoder,
    ...model.lora?.parameters ?? [],
  ];
  const read = async () =>
    new Map(
      await Promise.all(parameters.map(async ({ name, tensor }) => {
        const { rows, columns } = tensor;
        return [name, { rows, columns, data: await readTensor(engine, tensor) }] as const;
      })),
    );
  const before = await read();
  const batches = trainingBatches(data.train, stage.training.batch, stage.training.questions, 1);
  for (let s = 0; s < 3; s++) {
    const entries = batches.next().value;
    const packed = packBatch(entries, model.config.layout);
    writeBatch(model, batchFeatures(data.train, entries, stage.training.batch), packed);
    step.run(s, { learningRate: [0.01, 0.01], lambda: 1, tokenScale: 1 / packed.answerTokens });
  }
  const changed = changedIn(before, await read());
  const result = {
    changed,
    decoder: model.decoder.map(({ name }) => name),
    withMoments: [...step.moments.keys()],
    matrices: step.commands.flatMap(({ matrices }) => Object.values(matrices).map((t) => t.name)),
  };
  step.destroy();
  destroyModel(model);
  return result;
}

for (const engine of await testEngines()) {
  const P1 = ["P1.0.weight", "P1.0.bias", "P1.2.weight", "P1.2.bias"];
  const P2 = P1.map((name) => name.replace("P1", "P2"));

  Deno.test(`a frozen decoder stays as it is and gets no gradient ${formOf(engine)}`, async () => {
    const settings = settingsOf("self-distillation", [{ train: ["P1", "P2"] }]);
    const frozen = await trainOnDevice(engine, settings);
    assert.deepEqual(frozen.changed.sort(), [...P1, ...P2].sort());
    assert.deepEqual(frozen.withMoments.sort(), [...P1, ...P2].sort());
    const whole = settingsOf("self-distillation", [{ train: ["P1", "P2", "decoder"] }]);
    const all = await trainOnDevice(engine, whole);
    assert.deepEqual(all.changed.sort(), [...P1, ...P2, ...all.decoder].sort());
    // Gains are summed up in parts of another name.
    const weights = frozen.decoder.filter((name) => !/norm/.test(name));
    assert.ok(weights.length > 3);
    for (const name of weights) {
      assert.ok(!frozen.matrices.includes(`d ${name}`), `${name} gets a gradient`);
      assert.ok(all.matrices.includes(`d ${name}`), `${name} would get a gradient`);
    }
    assert.ok(frozen.matrices.length < all.matrices.length);
  });

  Deno.test(`with adapters the decoder stays as it is too ${formOf(engine)}`, async () => {
    const settings = settingsOf("baseline", [{ train: ["P1", "P2", "lora"] }]);
    const { changed, decoder } = await trainOnDevice(engine, settings);
    assert.deepEqual(changed.filter((name) => !/lora/.test(name)).sort(), [...P1].sort());
    assert.ok(changed.some((name) => /lora_A/.test(name)) && changed.some((n) => /lora_B/.test(n)));
    assert.deepEqual(changed.filter((name) => decoder.includes(name)), []);
  });
}

Deno.test("each stage leaves one outcome with its name, and goes on from the one before", async () => {
  const settings = settingsOf("self-distillation", [
    { name: "first" },
    { name: "second", train: ["P1", "P2", "lora"] },
    { name: "third", train: ["P2"] },
  ]);
  const outcomes = await outcomesOf(settings);
  assert.deepEqual(outcomes.map(({ stage }) => stage), ["first", "second", "third"]);
  const [first, second, third] = outcomes.map(({ weights }) => weights);
  assert.ok(changedIn(first.connector, second.connector).length > 0);
  // What a stage does not train is as the one before left it.
  assert.deepEqual(third.connector, second.connector);
  assert.deepEqual(third.lora, second.lora);
  assert.equal(changedIn(second.objective, third.objective).length, 4);
  for (const { decoder } of [first, second, third]) assert.equal(decoder, undefined);
  assert.equal(first.lora, undefined);
  const { total, trained } = outcomes[0].parameters;
  assert.equal(outcomes[1].parameters.total - total, sizeOf(second.lora!));
  assert.equal(
    outcomes[1].parameters.trained - trained,
    sizeOf(second.lora!) + sizeOf(second.objective),
  );
  assert.equal(outcomes[2].parameters.trained, sizeOf(second.objective));
  // The same as one stage of its own, for nothing in front of it reaches back.
  const [alone] = await outcomesOf(settingsOf("self-distillation", [{ name: "first" }]));
  assert.equal(alone.weightsSha256, outcomes[0].weightsSha256);
  // Adapters answer too, so they count as trained weights.
  assert.notEqual(outcomes[1].weightsSha256, outcomes[0].weightsSha256);
  // P2 takes no part.
  assert.equal(outcomes[2].weightsSha256, outcomes[1].weightsSha256);
});

const sizeOf = (matrices: ReadonlyMap<string, MatrixValues>) =>
  [...matrices.values()].reduce((sum, { data }) => sum + data.length, 0);

Deno.test("adapters are trained and named as PEFT names them", async () => {
  const [{ weights: { lora } }] = await outcomesOf(
    settingsOf("baseline", [{ train: ["P1", "lora"] }]),
  );
  const projections = ["q_proj", "v_proj"].flatMap((projection) =>
    ["A", "B"].map((part) =>
      `base_model.model.model.layers.0.self_attn.${projection}.lora_${part}.weight`
    )
  );
  assert.deepEqual([...lora!.keys()].sort(), projections.sort());
  for (const [name, { data }] of lora!) assert.ok(data.some((value) => value !== 0), name);
});

Deno.test("P2 that is not trained stays as it was drawn, and the gradient of L_cos goes through it", async () => {
  // In the cosine constraint P1 is reached through P2 only.
  const stages = [{ train: ["P1" as const] }];
  const [regularised] = await outcomesOf(settingsOf("cosine-constraint", stages));
  const [plain] = await outcomesOf({ ...settingsOf("cosine-constraint", stages), lambda: 0 });
  for (const { weights: { objective } } of [regularised, plain]) {
    for (const [name, { rows, columns, data }] of objective) {
      const initialisation = {
        kind: name.endsWith("weight") ? "kaiming-uniform" : "zeros",
      } as const;
      assert.deepEqual(data, drawValues(1, { name, rows, columns, initialisation }), name);
    }
  }
  assert.equal(changedIn(plain.weights.connector, regularised.weights.connector).length, 4);
});

Deno.test("what a later stage draws anew gets other values, the same for the same seed and stage", async () => {
  const stages = (draw: StageSettings["draw"]) => [
    { name: "one", train: ["P1" as const] },
    { name: "two", train: ["P1" as const], draw },
  ];
  const P2of = async (settings: RunSettings) =>
    (await outcomesOf(settings)).map(({ weights }) => weights.objective);
  const [one, two] = await P2of(settingsOf("cosine-constraint", stages(["P2"])));
  const weights = ["P2.0.weight", "P2.2.weight"];
  assert.deepEqual(changedIn(one, two), weights);
  const [kept, same] = await P2of(settingsOf("cosine-constraint", stages([])));
  assert.deepEqual(kept, one);
  assert.deepEqual(same, one);
  assert.deepEqual((await P2of(settingsOf("cosine-constraint", stages(["P2"]))))[1], two);
  assert.deepEqual(
    changedIn(two, (await P2of(settingsOf("cosine-constraint", stages(["P2"]), 2)))[1]),
    weights,
  );
  // In the first stage all is drawn, and it makes no difference to say so.
  const [said] = await P2of(settingsOf("cosine-constraint", [{ name: "one", draw: ["P1", "P2"] }]));
  assert.deepEqual(said, one);
});

Deno.test("a part that is trained and drawn anew begins where the seed and the stage say, P1 goes on", async () => {
  const stage = (draw: StageSettings["draw"], train: StageSettings["train"]) =>
    settingsOf("self-distillation", [
      { name: "one", train: ["P1", "P2", "lora"] },
      { name: "two", train, draw, training: { learningRate: 1e-30, weightDecay: 0 } as never },
    ]);
  const [one, two] = (await outcomesOf(stage(["lora"], ["P2", "lora"]))).map((o) => o.weights);
  assert.deepEqual(two.connector, one.connector);
  const isB = ([name]: [string, MatrixValues]) => name.includes("lora_B");
  assert.ok([...one.lora!].filter(isB).every(([, { data }]) => data.some((value) => value !== 0)));
  assert.ok(
    [...two.lora!].filter(isB).every(([, { data }]) => data.every((v) => Math.abs(v) < 1e-20)),
  );
  assert.equal(changedIn(one.lora!, two.lora!).length, 4);
});

/** What the second of two stages ends with. */
async function secondOf(training: Partial<Study["training"]>, on = engine): Promise<RunOutcome[]> {
  return await outcomesOf(
    settingsOf("baseline", [{ name: "one" }, { name: "two", training: training as never }]),
    on,
  );
}

Deno.test("learning rate, schedule, warm-up, decay and clipping are each stage's own", async () => {
  const plain = await secondOf({});
  const others: Partial<Study["training"]>[] = [
    { learningRate: 1e-3 },
    { schedule: "constant" },
    { warmup: 0.75 },
    { weightDecay: 0.5 },
    { beta1: 0.5 },
    { clip: 0.01 },
    { batch: 3 },
    { questions: 1 },
  ];
  for (const other of others) {
    const [one, two] = await secondOf(other);
    assert.equal(one.weightsSha256, plain[0].weightsSha256, JSON.stringify(other));
    assert.notEqual(two.weightsSha256, plain[1].weightsSha256, JSON.stringify(other));
  }
});

Deno.test("epochs are counted in images that are asked about", async () => {
  const images = data.train.questions.filter((list) => list.length > 0).length;
  const [one, two] = await secondOf({ epochs: 1.5, batch: 4 });
  assert.equal(one.steps, 4);
  assert.equal(two.steps, Math.ceil(1.5 * images / 4));
  assert.equal(two.losses.curve.length, two.steps);
  assert.deepEqual(two.losses.validation.map(({ step }) => step), [two.steps]);
});

Deno.test("a later stage sees pictures in another order than the first", async () => {
  const namedBy = (...names: string[]) =>
    outcomesOf(settingsOf("baseline", names.map((name) => ({ name }))));
  const [first] = await namedBy("one", "two");
  const [other] = await namedBy("two", "one");
  // The first stage's order is the seed's alone, whatever it is called.
  assert.equal(first.weightsSha256, other.weightsSha256);
  const frozen = { train: ["P2" as const] };
  const [one, two] = await outcomesOf(
    settingsOf("baseline", [{ name: "one", ...frozen }, { name: "two", ...frozen }]),
  );
  assert.notDeepEqual(
    one.losses.curve.map(({ tokenLoss }) => tokenLoss),
    two.losses.curve.map(({ tokenLoss }) => tokenLoss),
  );
});

Deno.test("a pre-trained decoder is taken as it is, but for the control with a random one", async () => {
  const { config } = data.decoder;
  const checkpoint: Checkpoint & Map<string, MatrixValues> = new Map(
    llamaSpecs(config).map((spec) => [
      spec.name,
      { rows: spec.rows, columns: spec.columns, data: drawValues(99, spec) },
    ]),
  );
  const pretrained = { ...data, decoder: { config, checkpoint } };
  const decoderOf = async (role: RunSettings["role"], seed: number) => {
    const settings = { ...settingsOf("baseline", [{ train: ["P1", "decoder"] }], seed), role };
    const [stage] = settings.stages;
    stage.training = { ...stage.training, steps: 1, learningRate: 1e-30, weightDecay: 0 };
    const [{ weights }] = await Array.fromAsync(run(engine, settings, pretrained));
    return (weights as ModelWeights).decoder!;
  };
  const arm = await decoderOf("arm", 1);
  for (const [name, { data }] of arm) assert.deepEqual(data, checkpoint.get(name)!.data, name);
  assert.deepEqual(await decoderOf("arm", 2), arm);
  const random = await decoderOf("random-llm", 1);
  for (const spec of llamaSpecs(config)) {
    assert.deepEqual(random.get(spec.name)!.data, drawValues(1, spec), spec.name);
  }
  const matrices = [...arm.keys()].filter((name) => !/norm/.test(name));
  assert.deepEqual(changedIn(random, arm), matrices);
  assert.deepEqual(changedIn(random, await decoderOf("random-llm", 2)), matrices);
});
