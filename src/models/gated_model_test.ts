/** The model with gated cross-attention: it begins blind, learns to look, and answers from its cache. */
import assert from "node:assert/strict";
import { type BatchEntry, packBatch } from "../data/packing.ts";
import type { Engine } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { randomValues } from "../reference/random_values.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import {
  createModel,
  destroyModel,
  type MultimodalModel,
  readWeights,
  writeBatch,
} from "./multimodal.ts";
import { compileQuestioner } from "./questioner.ts";
import { compileTrainingStep } from "./training_step.ts";

const LAYOUT = {
  ...{ batch: 2, prefix: 1, lead: [1], beside: 5, blocks: 2, block: 8, answers: 4 },
  ...{ vocabulary: 13, pad: 0 },
};
const ENTRIES: BatchEntry[] = [
  {
    image: 0,
    questions: [{ prompt: [3, 1, 4], answer: [9, 2] }, { prompt: [6], answer: [5, 3, 2] }],
  },
  { image: 1, questions: [{ prompt: [5, 12], answer: [10, 2] }] },
];

function makeModel(
  engine: Engine,
  connector?: Map<string, MatrixValues>,
): MultimodalModel {
  return createModel(engine, {
    connector: "gated-cross-attention",
    objective: OBJECTIVES["self-distillation"],
    decoder: {
      vocab_size: 13,
      hidden_size: 12,
      intermediate_size: 16,
      num_hidden_layers: 3,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 6,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      tie_word_embeddings: true,
    },
    visionWidth: 7,
    projectorWidth: 0,
    layout: LAYOUT,
    seed: 3,
    trained: ["P1"],
  }, { connector });
}

/** Random values in place of the first ones, gates among them. */
function opened(connector: ReadonlyMap<string, MatrixValues>): Map<string, MatrixValues> {
  return new Map(
    [...connector].map(([name, { rows, columns }], i) => {
      const scale = name.endsWith("_gate") ? 1 : 0.4;
      const data = Float32Array.from(randomValues(i + 1, rows * columns), (v) => scale * v);
      return [name, { rows, columns, data }];
    }),
  );
}

const imagesOf = (seed: number) => Float32Array.from(randomValues(seed, 2 * 5 * 7, 2));

async function lossOf(model: MultimodalModel, images: Float32Array): Promise<number> {
  const questioner = compileQuestioner(model);
  const packed = packBatch(ENTRIES, LAYOUT);
  writeBatch(model, images, packed);
  const { tokenLoss } = await questioner.ask(packed, 1);
  questioner.destroy();
  return tokenLoss;
}

const OPTIMIZER = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0, clip: 0 };

for (const engine of await testEngines()) {
  Deno.test(`at first no picture changes anything, and only gates learn ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const model = makeModel(engine);
    assert.equal(await lossOf(model, imagesOf(1)), await lossOf(model, imagesOf(2)));
    const first = (await readWeights(model)).connector;
    const step = compileTrainingStep(model, OPTIMIZER);
    const packed = packBatch(ENTRIES, LAYOUT);
    writeBatch(model, imagesOf(1), packed);
    step.run(0, {
      learningRate: [0.1, 0],
      correction1: [10, 1],
      correction2: [50, 1],
      tokenScale: 1 / packed.answerTokens,
      lambda: 0,
    });
    await step.readLosses();
    for (const [name, { data }] of (await readWeights(model)).connector) {
      const moved = data.some((value, i) => value !== first.get(name)!.data[i]);
      assert.equal(moved, name.endsWith("_gate"), name);
    }
    assert.notEqual(await lossOf(model, imagesOf(1)), await lossOf(model, imagesOf(2)));
    step.destroy();
    destroyModel(model);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`the token loss changes with every part as its gradient says ${formOf(engine)}`, async () => {
    const plain = makeModel(engine);
    const weights = opened((await readWeights(plain)).connector);
    destroyModel(plain);
    const model = makeModel(engine, weights);
    const step = compileTrainingStep(model, { ...OPTIMIZER, beta1: 0.5 });
    const packed = packBatch(ENTRIES, LAYOUT);
    writeBatch(model, imagesOf(1), packed);
    step.run(0, { learningRate: [0, 0], tokenScale: 1 / packed.answerTokens, lambda: 0 });
    await step.readLosses();
    const gradients = new Map<string, Float32Array>();
    for (const [name, { m }] of step.moments) {
      gradients.set(name, (await readMatrix(engine.device, m.matrix!)).map((value) => 2 * value));
    }
    step.destroy();
    destroyModel(model);
    for (const [name, matrix] of weights) {
      const gradient = gradients.get(name)!;
      const largest = gradient.reduce(
        (best, g, i) => Math.abs(g) > Math.abs(gradient[best]) ? i : best,
        0,
      );
      const distance = Math.min(0.1, 0.01 / Math.max(1e-3, Math.abs(gradient[largest])));
      const at = async (steps: number) => {
        const data = matrix.data.slice();
        data[largest] += steps * distance;
        const moved = makeModel(engine, new Map(weights).set(name, { ...matrix, data }));
        const loss = await lossOf(moved, imagesOf(1));
        destroyModel(moved);
        return loss;
      };
      const difference = (await at(-2) - 8 * await at(-1) + 8 * await at(1) - await at(2)) /
        (12 * distance);
      assertClose([difference], [gradient[largest]], { rtol: 0.03, atol: 3e-5 }, name);
    }
  });

  Deno.test(`what is generated from the cache is what a whole pass gives ${formOf(engine)}`, async () => {
    const plain = makeModel(engine);
    const model = makeModel(engine, opened((await readWeights(plain)).connector));
    const questioner = compileQuestioner(model);
    const ask = async (entries: BatchEntry[], tokens: number) => {
      const packed = packBatch(entries, LAYOUT);
      writeBatch(model, imagesOf(1), packed);
      return (await questioner.ask(packed, tokens)).tokens;
    };
    const generated = await ask(ENTRIES, 4);
    for (let count = 1; count < 4; count++) {
      const longer = ENTRIES.map(({ image, questions }, b) => ({
        image,
        questions: questions.map(({ prompt }, q) => ({
          prompt: [...prompt, ...generated.slice(0, count).map((step) => step[2 * b + q])],
          answer: [2],
        })),
      }));
      const [next] = await ask(longer, 1);
      for (const block of [0, 1, 2]) {
        assert.equal(next[block], generated[count][block], `token ${count} of block ${block}`);
      }
    }
    questioner.destroy();
    for (const each of [plain, model]) destroyModel(each);
  });
}
