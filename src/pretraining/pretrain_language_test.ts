/** A pre-training that is stopped and goes on is the one that was not, bit for bit. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { READ_EVERY } from "../nn/loss_ring.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { QUESTION_NAMES } from "./language_data.ts";
import {
  type LanguageHooks,
  type LanguageSettings,
  pretrainLanguage,
} from "./pretrain_language.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const SHAPE = {
  hidden_size: 12,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
};
const SETTINGS: LanguageSettings = {
  ...{ steps: READ_EVERY + 10, seed: 1, warmup: 4, decay: 20, learningRate: 0.01 },
  texts: { batch: 1, length: 72, questions: 2 },
  scenes: { batch: 1, questions: 2 },
  ...{ beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, clip: 1 },
};
const tokenizer = pretrainingTokenizer();
const [engine] = await testEngines();
const pretrain = (hooks: LanguageHooks = {}, settings = SETTINGS) =>
  pretrainLanguage(engine, SHAPE, tokenizer, settings, { testQuestions: 2, ...hooks });

/** Stops at the first reading. */
async function stop(folder: string): Promise<void> {
  const abort = new AbortController();
  const hooks = { folder, signal: abort.signal, onPoint: () => abort.abort() };
  await assert.rejects(pretrain(hooks), { name: "AbortError" });
}

Deno.test(`a training that is stopped at a reading goes on to the same weights ${formOf(engine)}`, async () => {
  const memory = engine.memory.bytes;
  const { seconds: _, ...whole } = await pretrain();
  assert.equal(engine.memory.bytes, memory);
  assert.deepEqual(whole.curve.map(({ step }) => step), [READ_EVERY, SETTINGS.steps]);
  // It learns: which words there are, at the least.
  assert.ok(whole.curve[1].texts < 0.8 * Math.log(tokenizer.vocabularySize));
  assert.ok(whole.curve[1].texts < whole.curve[0].texts);
  for (const part of ["text", "phrases"] as const) {
    assert.deepEqual(Object.keys(whole.accuracy[part]), QUESTION_NAMES);
    for (const share of Object.values(whole.accuracy[part])) assert.ok([0, 0.5, 1].includes(share));
  }
  await inTempFolder(async (folder) => {
    await stop(folder);
    const steps: number[] = [];
    const { seconds: _, ...rest } = await pretrain({
      folder,
      onPoint: ({ step }) => steps.push(step),
    });
    assert.deepEqual(steps, [SETTINGS.steps], "the first reading is not done again");
    assert.deepEqual(rest, whole);

    // A checkpoint of other settings, or a damaged one, is refused by name and stays.
    const path = join(folder, "language.checkpoint.safetensors");
    const bytes = await Deno.readFile(path);
    await assert.rejects(pretrain({ folder }, { ...SETTINGS, seed: 2 }), {
      name: "RangeError",
      message:
        `Cannot go on with "${path}": it was made with other settings; remove it to begin anew`,
    });
    await assert.rejects(
      pretrain({ folder }, { ...SETTINGS, steps: 200, decay: 180 }),
      /^RangeError: Cannot go on with ".*" to 200 steps: the learning rate has fallen by then/,
    );
    assert.deepEqual(await Deno.readFile(path), bytes);
    await Deno.writeFile(path, bytes.subarray(0, 99));
    await assert.rejects(
      pretrain({ folder }),
      (error: Error) => error.message.endsWith(`"${path}"`),
    );
    assert.equal(engine.memory.bytes, memory);
  });
});
