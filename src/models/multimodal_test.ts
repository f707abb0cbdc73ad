/**
 * The training step as a whole: losses and gradients of the three arms against the float64
 * reference, and what must hold of every step whatever the numbers are.
 */
import assert from "node:assert/strict";
import { type BatchEntry, type EncodedQuestion, packBatch } from "../data/packing.ts";
import { createEngine, type Engine, type StepNumbers } from "../gpu/engine.ts";
import { readMatrix, writeMatrix } from "../gpu/memory.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { READ_EVERY } from "../nn/loss_ring.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import type { Parameter } from "../nn/parameters.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import type { Mlp } from "../reference/mlp.ts";
import { multimodal, type OBJECTIVES as REFERENCE_ARMS } from "../reference/multimodal.ts";
import { packQuestions } from "../reference/packing.ts";
import { randomValues } from "../reference/random_values.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { packLlama, unpackLlama } from "./llama_weights.ts";
import {
  countParameters,
  createModel,
  destroyModel,
  type ModelWeights,
  type MultimodalConfig,
  type MultimodalModel,
  readWeights,
  writeBatch,
} from "./multimodal.ts";
import { compileQuestioner } from "./questioner.ts";
import { createTeacher, destroyTeacher } from "./teacher.ts";
import {
  compileTrainingStep,
  type OptimizerConfig,
  type StepLosses,
  type TrainingStep,
} from "./training_step.ts";

type Arm = keyof typeof REFERENCE_ARMS;

/** Arms by the reference's names, with the objective of each. */
const ARMS: Record<Arm, string> = {
  "baseline": "none",
  "cosine-constraint": "cosine-constraint",
  "self-distillation": "self-distillation",
};

/** Widths that are no multiples of four, two layers, grouped heads. */
function configOf(objective: string): MultimodalConfig {
  return {
    connector: "mlp",
    objective: OBJECTIVES[objective],
    decoder: {
      vocab_size: 13,
      hidden_size: 10,
      intermediate_size: 14,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 6,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      tie_word_embeddings: true,
    },
    visionWidth: 7,
    projectorWidth: 9,
    layout: { batch: 3, prefix: 5, blocks: 3, block: 7, answers: 3, vocabulary: 13, pad: 0 },
    seed: 5,
  };
}

/** Questions of unequal lengths, unequally many an image. */
const ENTRIES: BatchEntry[] = [
  {
    image: 0,
    questions: [
      { prompt: [3, 1, 4, 1, 5], answer: [9, 2] },
      { prompt: [6], answer: [5, 3, 2] },
      { prompt: [8, 9, 7], answer: [2] },
    ],
  },
  { image: 1, questions: [{ prompt: [5, 12, 11, 4], answer: [10, 2] }] },
  {
    image: 2,
    questions: [{ prompt: [7, 3], answer: [11, 2] }, { prompt: [1, 1], answer: [12, 2] }],
  },
];

const OPTIMIZER: OptimizerConfig = {
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.01,
  clip: 1,
};

// float32 through two layers and back; single operations are held to far less.
const TOLERANCE = { rtol: 2e-4, atol: 1e-6 };

const engines = await testEngines();

for (const engine of engines) {
  for (const arm of Object.keys(ARMS) as Arm[]) {
    const title = `losses and all gradients of ${arm} agree with the reference`;
    Deno.test(`${title} ${formOf(engine)}`, () => assertStep(engine, arm));
  }

  Deno.test(`at lambda 0 every arm trains as the baseline, bit for bit ${formOf(engine)}`, async () => {
    const baseline = await train(engine, "none", 0);
    for (const objective of Object.keys(OBJECTIVES).filter((name) => name !== "none")) {
      const arm = await train(engine, objective, 0);
      assert.deepEqual(arm.weights.connector, baseline.weights.connector, `P1 of ${objective}`);
      assert.deepEqual(arm.weights.decoder, baseline.weights.decoder, `decoder of ${objective}`);
      assert.deepEqual(
        arm.losses.map(({ tokenLoss }) => tokenLoss),
        baseline.losses.map(({ tokenLoss }) => tokenLoss),
      );
      // And with the regulariser it does not.
      const regularised = await train(engine, objective, 1);
      assert.notDeepEqual(regularised.weights.connector, baseline.weights.connector, objective);
    }
  });

  Deno.test(`the same seed trains to the same weights, bit for bit ${formOf(engine)}`, async () => {
    const [first, second] = [
      await train(engine, "cosine-constraint", 0.5),
      await train(engine, "cosine-constraint", 0.5),
    ];
    assert.deepEqual(second, first);
    const start = createModel(engine, configOf("cosine-constraint"));
    const before = await readWeights(start);
    for (const part of ["connector", "objective", "decoder"] as const) {
      for (const [name, { data }] of first.weights[part]!) {
        assert.notDeepEqual(data, before[part]!.get(name)!.data, `${name} was trained`);
      }
    }
    destroyModel(start);
  });

  Deno.test(`a student learns nothing from itself, and all from a teacher of full weight ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const student = createModel(engine, configOf("none"));
    const weights = await readWeights(student);
    /** The gradient's norm in a step beside a teacher with these weights. */
    const normBeside = async (teacherWeights: ModelWeights | null, xi: number) => {
      const teacher = teacherWeights && createTeacher(student, teacherWeights);
      const step = compileTrainingStep(
        student,
        OPTIMIZER,
        teacher ? { model: teacher, xi } : undefined,
      );
      const { answerTokens } = write(student, 0);
      runStep(step, 0, { tokenScale: 1 / answerTokens, learningRate: [0, 0] });
      const [{ gradientNorm, tokenLoss }] = await step.readLosses();
      step.destroy();
      if (teacher) destroyTeacher(teacher, student);
      return { gradientNorm, tokenLoss };
    };
    const alone = await normBeside(null, 0);
    assert.deepEqual(await normBeside(weights, 0), alone);
    const itself = await normBeside(weights, 1);
    assert.ok(itself.gradientNorm < 1e-6 * alone.gradientNorm, `${itself.gradientNorm}`);
    // The loss that is told is that of the answers, whoever teaches.
    assert.equal(itself.tokenLoss, alone.tokenLoss);
    const half = await normBeside(weights, 0.5);
    assertClose([half.gradientNorm], [0.5 * alone.gradientNorm], TOLERANCE, "half");
    const other = createModel(engine, { ...configOf("none"), seed: 6 });
    const taught = await normBeside(await readWeights(other), 1);
    assert.ok(taught.gradientNorm > 0.01 * alone.gradientNorm, `${taught.gradientNorm}`);
    for (const model of [student, other]) destroyModel(model);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`steps take no memory, and all of it is given back ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const model = createModel(engine, configOf("self-distillation"));
    const step = compileTrainingStep(model, OPTIMIZER);
    const questioner = compileQuestioner(model);
    const held = engine.memory.bytes;
    assert.ok(held > before);
    for (let index = 0; index < 20; index++) {
      const { answerTokens } = write(model, index);
      runStep(step, index, { tokenScale: 1 / answerTokens, lambda: 1 });
    }
    const packed = write(model, 0);
    await step.readLosses();
    await questioner.ask(packed, model.config.layout.answers);
    await questioner.project();
    assert.equal(engine.memory.bytes, held);
    questioner.destroy();
    step.destroy();
    destroyModel(model);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`a large gradient of P2 does not shrink the step of P1 ${formOf(engine)}`, async () => {
    // The cosine does not see the length of P2's output, so with its last layer 2^-10 as large the
    // gradients of P1 and decoder stay the same while those of that layer are 2^10 times as large.
    const stepped = async (scale: number) => {
      const model = createModel(engine, configOf("self-distillation"));
      for (const { name, tensor } of model.objective) {
        if (!name.startsWith("P2.2")) continue;
        const values = await readMatrix(engine.device, tensor.matrix!);
        writeMatrix(engine.device, tensor.matrix!, values.map((value) => value * scale));
      }
      const step = compileTrainingStep(model, { ...OPTIMIZER, beta1: 0, eps: 1, clip: 0.5 });
      const { answerTokens } = write(model, 0);
      runStep(step, 0, { tokenScale: 1 / answerTokens, lambda: 1 });
      const [{ gradientNorm }] = await step.readLosses();
      // With beta1 = 0 the first moment is the clipped gradient.
      const clipped = async (parameters: Parameter[]) => {
        let squares = 0;
        for (const { name } of parameters) {
          const { m } = step.moments.get(name)!;
          for (const value of await readMatrix(engine.device, m.matrix!)) squares += value ** 2;
        }
        return Math.sqrt(squares);
      };
      const result = {
        gradientNorm,
        first: await clipped([...model.connector, ...model.decoder]),
        second: await clipped(model.objective),
        connector: (await readWeights(model)).connector,
      };
      step.destroy();
      destroyModel(model);
      return result;
    };
    // Powers of two scale without rounding where division and roots are exact.
    const TIGHT = { rtol: 1e-6, atol: 0 };
    const plain = await stepped(1);
    const loud = await stepped(2 ** -10);
    for (const [name, { data }] of plain.connector) {
      assertClose(loud.connector.get(name)!.data, data, TIGHT, name);
    }
    assertClose([loud.gradientNorm], [plain.gradientNorm], TIGHT, "norm of P1 and decoder");
    assert.ok(plain.gradientNorm > 0.5, "the gradient of P1 and decoder is clipped, too");
    assertClose(
      [plain.first, loud.first, loud.second],
      [0.5, 0.5, 0.5],
      TOLERANCE,
      "clipped norms",
    );
  });
}

const [image, buffer] = engines;

Deno.test("losses and all gradients agree with the reference with the plan of the other kind of adapter", () => {
  const software = defaultPlan("buffer", true);
  const plan = buffer.plan.lanes === software.lanes ? defaultPlan("buffer", false) : software;
  return assertStep(createEngine(buffer.device, plan), "cosine-constraint");
});

Deno.test("the losses of every step are read once and in order, over the end of the ring", async () => {
  const model = createModel(image, configOf("cosine-constraint"));
  const step = compileTrainingStep(model, OPTIMIZER);
  write(model, 0);
  // Weights stand still at learning rate 0, so the loss is what the token scale makes of it.
  const scaleOf = (index: number) => 1 + index;
  const read: StepLosses[] = [];
  let index = 0;
  const batches = [1, READ_EVERY - 10, 20, READ_EVERY, READ_EVERY, 3];
  for (const count of batches) {
    for (const end = index + count; index < end; index++) {
      runStep(step, index, { tokenScale: scaleOf(index), learningRate: [0, 0] });
    }
    const losses = await step.readLosses();
    assert.equal(losses.length, count);
    read.push(...losses);
  }
  assert.deepEqual(await step.readLosses(), []);
  assertClose(
    read.map(({ tokenLoss }, index) => tokenLoss / scaleOf(index)),
    read.map(() => read[0].tokenLoss),
    { rtol: 1e-6, atol: 0 },
    "loss by step",
  );
  assert.ok(read.every(({ cosineLoss }) => cosineLoss === read[0].cosineLoss));
  step.destroy();
  destroyModel(model);
});

Deno.test("P1 and decoder start from the same values with every objective", async () => {
  const models = Object.values(ARMS).map((objective) => createModel(image, configOf(objective)));
  const [first, ...others] = await Promise.all(models.map(readWeights));
  for (const { connector, decoder } of others) {
    assert.deepEqual(connector, first.connector);
    assert.deepEqual(decoder, first.decoder);
  }
  const other = createModel(image, { ...configOf("none"), seed: 6 });
  assert.notDeepEqual((await readWeights(other)).connector, first.connector);
  for (const model of [...models, other]) destroyModel(model);
});

Deno.test("the evaluated token loss is the training step's", async () => {
  const model = createModel(image, configOf("cosine-constraint"));
  const questioner = compileQuestioner(model);
  const packed = write(model, 0);
  const { answerTokens } = packed;
  const { tokenLoss: evaluated } = await questioner.ask(packed, 1);
  const { cosineLoss } = await questioner.project();
  const step = compileTrainingStep(model, OPTIMIZER);
  runStep(step, 0, { tokenScale: 1 / answerTokens });
  const [trained] = await step.readLosses();
  assert.equal(evaluated, trained.tokenLoss);
  const mean = cosineLoss!.reduce((sum, loss) => sum + loss, 0) / cosineLoss!.length;
  assertClose([mean], [trained.cosineLoss!], TOLERANCE, "cosine loss");
  step.destroy();
  questioner.destroy();
  destroyModel(model);
});

Deno.test("a batch asked before the last one's answers are there changes neither", async () => {
  const model = createModel(image, configOf("none"));
  const questioner = compileQuestioner(model);
  const { answers } = model.config.layout;
  const alone = [];
  for (const batch of [0, 1]) alone.push(await questioner.ask(write(model, batch), answers));
  const together = await Promise.all(
    [0, 1].map((batch) => questioner.ask(write(model, batch), answers)),
  );
  assert.deepEqual(together, alone);
  assert.notEqual(alone[0].tokenLoss, alone[1].tokenLoss);
  questioner.destroy();
  destroyModel(model);
});

Deno.test("a model's parameters are counted without the padding of heads", async () => {
  const model = createModel(image, configOf("self-distillation"));
  const { connector, decoder, objective } = await readWeights(model);
  const count = (matrices: Map<string, MatrixValues>) =>
    [...matrices.values()].reduce((sum, { data }) => sum + data.length, 0);
  const total = count(connector) + count(decoder!);
  assert.deepEqual(countParameters(model), { total, trained: total + count(objective) });
  destroyModel(model);
});

/** The reference's form of a question. */
function tokenized({ prompt, answer }: EncodedQuestion) {
  return {
    ids: [...prompt, ...answer],
    answerMask: [...prompt.map(() => 0), ...answer.map(() => 1)],
  };
}

/** Image encodings of a step, (batch * prefix, vision width). */
function imagesOf(
  { config: { layout, visionWidth } }: MultimodalModel,
  step: number,
): Float64Array {
  return randomValues(1000 + step, layout.batch * layout.prefix * visionWidth, 2);
}

function write(model: MultimodalModel, step: number) {
  const packed = packBatch(ENTRIES, model.config.layout);
  writeBatch(model, Float32Array.from(imagesOf(model, step)), packed);
  return packed;
}

function runStep(step: TrainingStep, index: number, numbers: Omit<StepNumbers, "slot">): void {
  step.run(index, { learningRate: [1e-2, 1e-2], ...numbers });
}

/** Compares the losses and gradients of one step with the reference. */
async function assertStep(engine: Engine, arm: Arm): Promise<void> {
  const lambda = 0.7;
  const model = createModel(engine, configOf(ARMS[arm]));
  await perturb(model);
  const weights = await readWeights(model);
  const { tokenLoss, cosineLoss, gradientNorm, gradients } = await losses(model, lambda);

  const values = (matrices: Map<string, MatrixValues>) =>
    new Map([...matrices].map(([name, { data }]) => [name, Float64Array.from(data)]));
  const mlpOf = (prefix: string, matrices: Map<string, MatrixValues>): Mlp => {
    const all = values(matrices);
    const get = (part: string) => all.get(`${prefix}.${part}`) ?? new Float64Array();
    return {
      "0.weight": get("0.weight"),
      "0.bias": get("0.bias"),
      "2.weight": get("2.weight"),
      "2.bias": get("2.bias"),
    };
  };
  const reference = multimodal(
    {
      p1: mlpOf("P1", weights.connector),
      p2: mlpOf("P2", weights.objective),
      decoder: values(weights.decoder!),
      config: model.config.decoder,
    },
    {
      x: imagesOf(model, 0),
      sequences: ENTRIES.map(({ questions }) =>
        packQuestions(model.config.layout.prefix, questions.map(tokenized))
      ),
    },
    arm,
    lambda,
  );
  assertClose([tokenLoss], [reference.tokenLoss], TOLERANCE, "token loss");
  if (reference.cosineLoss === null) assert.equal(cosineLoss, null);
  else assertClose([cosineLoss!], [reference.cosineLoss], TOLERANCE, "cosine loss");

  const expected = new Map<string, Float64Array>(reference.gradDecoder);
  const own = { P1: reference.gradP1, P2: reference.gradP2 };
  for (const [prefix, parts] of Object.entries(own)) {
    for (const [part, gradient] of Object.entries(parts ?? {})) {
      expected.set(`${prefix}.${part}`, gradient);
    }
  }
  assert.deepEqual([...gradients.keys()].sort(), [...expected.keys()].sort());
  for (const [name, gradient] of expected) {
    assertClose(gradients.get(name)!, gradient, TOLERANCE, name);
  }
  const squares = [...expected]
    .filter(([name]) => !name.startsWith("P2"))
    .flatMap(([, gradient]) => [...gradient])
    .reduce((sum, value) => sum + value ** 2, 0);
  assertClose([gradientNorm], [Math.sqrt(squares)], TOLERANCE, "norm of P1 and decoder");
  destroyModel(model);
}

/** Replaces biases of zero and gains of one, behind which mistakes could hide. */
async function perturb(model: MultimodalModel): Promise<void> {
  const { engine, connector, objective, decoder, config } = model;
  let seed = 0;
  const moved = (values: Float32Array) => {
    const noise = randomValues(seed++, values.length, 0.3);
    return values.map((value, i) => value + noise[i]);
  };
  for (const { tensor } of [...connector, ...objective]) {
    writeMatrix(
      engine.device,
      tensor.matrix!,
      moved(await readMatrix(engine.device, tensor.matrix!)),
    );
  }
  const checkpoint = (await readWeights(model)).decoder!;
  for (const matrix of checkpoint.values()) matrix.data = moved(matrix.data);
  const packed = packLlama(config.decoder, checkpoint);
  for (const { name, tensor } of decoder) {
    writeMatrix(engine.device, tensor.matrix!, packed.get(name)!.data);
  }
}

/** Losses and gradients of the first step: with beta1 = 0 the first moment is the gradient. */
async function losses(model: MultimodalModel, lambda: number) {
  const { engine, config, decoder } = model;
  const step = compileTrainingStep(model, { ...OPTIMIZER, beta1: 0, clip: 0 });
  const { answerTokens } = write(model, 0);
  runStep(step, 0, { tokenScale: 1 / answerTokens, lambda, learningRate: [0, 0] });
  const [losses] = await step.readLosses();
  const moments = new Map<string, MatrixValues>();
  for (const [name, { m }] of step.moments) {
    const data = await readMatrix(engine.device, m.matrix!);
    moments.set(name, { rows: m.rows, columns: m.columns, data });
  }
  step.destroy();
  const gradients = new Map(
    [...unpackLlama(config.decoder, moments)].map(([name, { data }]) => [name, data]),
  );
  const packed = new Set(decoder.map(({ name }) => name));
  for (const [name, { data }] of moments) if (!packed.has(name)) gradients.set(name, data);
  return { ...losses, gradients };
}

/** Trains a few steps on changing images. */
async function train(engine: Engine, objective: string, lambda: number) {
  const model = createModel(engine, configOf(objective));
  const step = compileTrainingStep(model, OPTIMIZER);
  for (let index = 0; index < 6; index++) {
    const { answerTokens } = write(model, index);
    runStep(step, index, { tokenScale: 1 / answerTokens, lambda });
  }
  const result = { losses: await step.readLosses(), weights: await readWeights(model) };
  step.destroy();
  destroyModel(model);
  return result;
}
