/** Training of a small CLIP pair: its features, its gradient, and that its loss falls. */
import assert from "node:assert/strict";
import type { Engine } from "../gpu/engine.ts";
import { readMatrix } from "../gpu/memory.ts";
import { writeParameter } from "../nn/parameters.ts";
import { biasCorrection } from "../nn/schedule.ts";
import { clipImageFeature, clipTextFeature, clipVisionStates } from "../reference/clip.ts";
import { randomValues } from "../reference/random_values.ts";
import { unitRows } from "../reference/unit_rows.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import type { ClipConfig } from "./clip_config.ts";
import { compileClipFeatures } from "./clip_features.ts";
import {
  type ClipPair,
  createClipPair,
  destroyClipPair,
  readClipWeights,
  writeCaptions,
  writePictures,
} from "./clip_pair.ts";
import { compileContrastiveStep } from "./clip_training_step.ts";
import { LOGIT_SCALE } from "./clip_weights.ts";

const TOWER = { layer_norm_eps: 1e-5, projection_dim: 8, num_attention_heads: 2 };

const CONFIG: ClipConfig = {
  projection_dim: 8,
  logit_scale_init_value: 2.6592,
  vision_config: {
    ...TOWER,
    hidden_size: 18,
    intermediate_size: 26,
    num_hidden_layers: 2,
    hidden_act: "quick_gelu",
    num_channels: 3,
    image_size: 8,
    patch_size: 4,
  },
  text_config: {
    ...TOWER,
    hidden_size: 12,
    intermediate_size: 20,
    num_hidden_layers: 2,
    hidden_act: "gelu",
    vocab_size: 15,
    max_position_embeddings: 9,
  },
};

const BATCH = 6;
const TEXT = 7;
const PIXELS = Float32Array.from(randomValues(1, BATCH * 3 * 8 * 8));
const IDS = Int32Array.from({ length: BATCH * TEXT }, (_, i) => (i * i + Math.floor(i / 7)) % 15);
const ENDS = Int32Array.from({ length: BATCH }, (_, b) => 2 + (3 * b) % 5);

function tinyPair(engine: Engine, seed = 1): ClipPair {
  const pair = createClipPair(engine, { config: CONFIG, batch: BATCH, textLength: TEXT, seed });
  writePictures(pair, PIXELS);
  writeCaptions(pair, IDS, ENDS);
  return pair;
}

const OPTIMIZER = { beta1: 0.9, beta2: 0.98, eps: 1e-6, weightDecay: 0.01, clip: 1 };

const both = (value: number): [number, number] => [value, value];
const corrections = (step: number) => ({
  correction1: both(biasCorrection(0.9, step + 1)),
  correction2: both(biasCorrection(0.98, step + 1)),
});

/** A pair's weights after three steps at the rates of its towers. */
async function trainedAt(engine: Engine, learningRate: readonly [number, number]) {
  const pair = tinyPair(engine);
  const step = compileContrastiveStep(pair, OPTIMIZER);
  for (let i = 0; i < 3; i++) {
    step.run(i, { learningRate: [...learningRate], ...corrections(i) });
  }
  const weights = await readClipWeights(pair);
  step.destroy();
  destroyClipPair(pair);
  return weights;
}

for (const engine of await testEngines()) {
  Deno.test(`features of both towers are the reference's ${formOf(engine)}`, async () => {
    const pair = tinyPair(engine);
    // Biases and gains are not 0 and 1.
    pair.parameters.forEach((parameter, i) => {
      if (parameter.decay || parameter.name === LOGIT_SCALE) return;
      const { columns } = parameter.tensor;
      const values = randomValues(i, columns, 0.5).map((value) => value + 0.5);
      // What a head is padded with stays zero.
      if (parameter.name.endsWith("qkv.bias")) return;
      writeParameter(engine, parameter, Float32Array.from(values));
    });
    const weights = await readClipWeights(pair);
    const tensors = (name: string) => Float64Array.from(weights.get(name)!.data as Float32Array);
    const program = compileClipFeatures(pair);
    const { images, texts } = await program.run();
    const { vision_config, text_config } = CONFIG;
    const size = PIXELS.length / BATCH;
    const wantedImages = Array.from({ length: BATCH }, (_, b) => {
      const pixels = PIXELS.subarray(b * size, (b + 1) * size);
      const last = clipVisionStates(pixels, tensors, vision_config).at(-1)!;
      return [...clipImageFeature(last, tensors, vision_config)];
    }).flat();
    const wantedTexts = Array.from({ length: BATCH }, (_, b) => {
      const ids = IDS.subarray(b * TEXT, (b + 1) * TEXT);
      return [...clipTextFeature(ids, ENDS[b], tensors, text_config)];
    }).flat();
    const tolerance = { rtol: 2e-5, atol: 1e-6 };
    assertClose(images, unitRows(wantedImages, 8), tolerance, "image features");
    assertClose(texts, unitRows(wantedTexts, 8), tolerance, "text features");
    // What stands behind the end changes nothing.
    writeCaptions(
      pair,
      IDS.map((id, i) => i % TEXT > ENDS[Math.floor(i / TEXT)] ? (id + 1) % 15 : id),
      ENDS,
    );
    assert.deepEqual((await program.run()).texts, texts);
    program.destroy();
    destroyClipPair(pair);
  });

  Deno.test(`thirty steps teach a pair which caption belongs to which picture ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    const pair = tinyPair(engine);
    const step = compileContrastiveStep(pair, OPTIMIZER);
    for (let i = 0; i < 30; i++) step.run(i, { learningRate: [0.01, 0.01], ...corrections(i) });
    const losses = await step.readLosses();
    assert.equal(losses.length, 30);
    const [first, last] = [losses[0], losses[29]];
    assert.ok(Math.abs(first.loss - Math.log(BATCH)) < 1, `starts at ${first.loss}`);
    assert.ok(last.loss < 0.3 * Math.log(BATCH), `ends at ${last.loss}`);
    assert.ok(losses.every(({ gradientNorm }) => gradientNorm > 0));
    assert.ok(losses.every(({ textGradientNorm }) => textGradientNorm > 0));
    assert.equal(first.logitScale, Math.fround(2.6592));
    assert.notEqual(last.logitScale, first.logitScale);
    step.destroy();
    destroyClipPair(pair);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`the loss changes with a weight as its gradient says ${formOf(engine)}`, async () => {
    const pair = tinyPair(engine);
    // The first moment is (1 - beta1) times the gradient, and a rate of 0 moves nothing.
    const step = compileContrastiveStep(pair, { ...OPTIMIZER, beta1: 0.5, clip: 0 });
    const lossNow = async () => {
      step.run(0, { learningRate: [0, 0] });
      return (await step.readLosses())[0].loss;
    };
    await lossNow();
    const gradients = new Map<string, Float32Array>();
    for (const { name } of pair.parameters) {
      const moment = step.moments.get(name);
      assert.ok(moment, `${name} is trained`);
      gradients.set(name, (await readMatrix(engine.device, moment.m.matrix!)).map((m) => 2 * m));
    }
    const probed = [
      LOGIT_SCALE,
      "text_model.embeddings.token_embedding.weight",
      "text_model.embeddings.position_embedding.weight",
      "text_model.encoder.layers.0.self_attn.qkv.weight",
      "text_model.encoder.layers.1.mlp.fc1.bias",
      "text_projection.weight",
      "vision_model.embeddings.class_embedding",
      "vision_model.embeddings.patch_embedding.weight",
      "vision_model.encoder.layers.0.self_attn.out_proj.weight",
      "vision_model.post_layernorm.weight",
    ];
    for (const name of probed) {
      const parameter = pair.parameters.find((one) => one.name === name)!;
      const values = await readMatrix(engine.device, parameter.tensor.matrix!);
      const gradient = gradients.get(name)!;
      const largest = gradient.reduce(
        (best, g, i) => Math.abs(g) > Math.abs(gradient[best]) ? i : best,
        0,
      );
      // So far that the loss changes by about a hundredth.
      const distance = 0.01 / Math.max(1, Math.abs(gradient[largest]));
      const at = async (steps: number) => {
        const moved = values.slice();
        moved[largest] += steps * distance;
        writeParameter(engine, parameter, moved);
        return await lossNow();
      };
      const difference = (await at(-2) - 8 * await at(-1) + 8 * await at(1) - await at(2)) /
        (12 * distance);
      writeParameter(engine, parameter, values);
      // The loss has seven digits: its differences have four.
      assertClose([difference], [gradient[largest]], { rtol: 0.01, atol: 2e-4 }, name);
    }
    step.destroy();
    destroyClipPair(pair);
  });

  Deno.test(`logits are scaled by 100 at most ${formOf(engine)}`, async () => {
    const pair = tinyPair(engine);
    const scale = pair.parameters.find(({ name }) => name === LOGIT_SCALE)!;
    const most = Math.fround(Math.log(100));
    writeParameter(engine, scale, Float32Array.of(4.6));
    const step = compileContrastiveStep(pair, OPTIMIZER);
    for (let i = 0; i < 12; i++) step.run(i, { learningRate: [0.02, 0], ...corrections(i) });
    const scales = (await step.readLosses()).map(({ logitScale }) => logitScale);
    assert.ok(scales.every((value) => value <= most), `${scales}`);
    writeParameter(engine, scale, Float32Array.of(9));
    step.run(12, { learningRate: [0, 0], ...corrections(12) });
    assert.equal((await readClipWeights(pair)).get(LOGIT_SCALE)!.data[0], most);
    step.destroy();
    destroyClipPair(pair);
  });

  Deno.test(`each tower learns at its own rate ${formOf(engine)}`, async () => {
    const first = await trainedAt(engine, [0, 0]);
    const towers = { vision: "vision_model.", text: "text_model." };
    for (const [learner, rates] of [["vision", [0.01, 0]], ["text", [0, 0.01]]] as const) {
      const weights = await trainedAt(engine, rates);
      for (const [tower, prefix] of Object.entries(towers)) {
        for (const name of [...weights.keys()].filter((name) => name.startsWith(prefix))) {
          // Nothing is ever read from a key's bias: it moves all of a query's scores alike.
          if (name.includes("k_proj.bias")) continue;
          const moved = weights.get(name)!.data.some((value, i) =>
            value !== first.get(name)!.data[i]
          );
          assert.equal(moved, tower === learner, `${learner}: ${name}`);
        }
      }
    }
  });

  Deno.test(`weights come back as they were given ${formOf(engine)}`, async () => {
    const first = tinyPair(engine, 5);
    const weights = await readClipWeights(first);
    const options = { config: CONFIG, batch: 2, textLength: 3, seed: 6 };
    const second = createClipPair(engine, { ...options, checkpoint: weights });
    assert.deepEqual(await readClipWeights(second), weights);
    assert.deepEqual(weights.get(LOGIT_SCALE), {
      dtype: "F32",
      shape: [],
      data: Float32Array.of(2.6592),
    });
    const drawn = createClipPair(engine, options);
    assert.notDeepEqual(await readClipWeights(drawn), weights);
    for (const pair of [first, second, drawn]) destroyClipPair(pair);
  });
}

const [engine] = await testEngines();

Deno.test("captions that do not fit are refused", () => {
  const pair = tinyPair(engine);
  const write = (ids: Int32Array, ends: Int32Array) => () => writeCaptions(pair, ids, ends);
  assert.throws(write(IDS.slice(1), ENDS), /41 ids and 6 ends are not 6 x 7 and 6/);
  assert.throws(write(IDS.with(3, 15), ENDS), /token 15 is not among 15/);
  assert.throws(write(IDS, ENDS.with(0, 7)), /position 7 is not among 7/);
  destroyClipPair(pair);
  const long = { config: CONFIG, batch: 1, textLength: 10, seed: 1 };
  assert.throws(() => createClipPair(engine, long), {
    name: "RangeError",
    message: "Cannot take texts of 10 tokens: the tower has 9 positions",
  });
});
