/** The towers' pre-training: it stops where it is told to and goes on as if it had not. */
import assert from "node:assert/strict";
import { parseClipConfig } from "../models/clip_config.ts";
import { parseSafetensors } from "../models/safetensors.ts";
import { testEngines } from "../testing/gpu.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { writeClipFolder } from "./clip_folder.ts";
import { type PretrainedTowers, pretrainVision, VISION_SETTINGS } from "./pretrain_vision.ts";
import { TINY_PAIR } from "./tiny_pair.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const [engine] = await testEngines();
const tokenizer = pretrainingTokenizer();
const settings = {
  ...VISION_SETTINGS,
  steps: 68,
  batch: 8,
  siblingGroups: 1,
  learningRate: 5e-3,
  warmup: 10,
  decay: 20,
};
const tests = { retrieval: 8, siblingGroups: 1, zeroShot: 1, probe: 8 };

Deno.test("a pre-training that was stopped goes on as if it had not, and makes a model folder", async () => {
  const whole = await pretrainVision(engine, TINY_PAIR, tokenizer, settings, { tests });
  assert.deepEqual(whole.curve.map(({ step }) => step), [64, 68]);
  // What guessing costs is reached within a few steps, from random features far above it.
  assert.ok(whole.curve[1].loss < Math.log(settings.batch) + 0.1, JSON.stringify(whole.curve));

  await inTempFolder(async (folder) => {
    const stop = new AbortController();
    const stopped = pretrainVision(engine, TINY_PAIR, tokenizer, settings, {
      folder,
      tests,
      onPoint: () => stop.abort(),
      signal: stop.signal,
    });
    await assert.rejects(stopped, { name: "AbortError" });
    await assert.rejects(
      pretrainVision(engine, TINY_PAIR, tokenizer, { ...settings, clip: 2 }, { folder, tests }),
      { name: "RangeError", message: /^Cannot go on with ".*": it was made with other settings/ },
    );
    const resumed = await pretrainVision(engine, TINY_PAIR, tokenizer, settings, { folder, tests });
    // All but the time that it took.
    assert.deepEqual({ ...resumed, seconds: whole.seconds }, whole);
    await checkFolder(folder, whole);
  });
});

async function checkFolder(folder: string, { config, weights }: PretrainedTowers) {
  await writeClipFolder(folder, config, weights, tokenizer);
  const json = async (name: string) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
  const written = await json("config.json");
  assert.equal(written.model_type, "clip");
  assert.equal(written.text_config.eos_token_id, tokenizer.eos);
  assert.deepEqual(parseClipConfig(written), config);
  const preprocessor = await json("preprocessor_config.json");
  assert.deepEqual(preprocessor.size, { height: 20, width: 20 });
  assert.deepEqual(preprocessor.image_mean, [0.9, 0.9, 0.9]);
  const tensors = parseSafetensors(await Deno.readFile(`${folder}/model.safetensors`));
  assert.deepEqual(tensors, new Map([...tensors.keys()].map((name) => [name, weights.get(name)])));
  assert.equal(tensors.size, weights.size);
  const patches = tensors.get("vision_model.embeddings.patch_embedding.weight")!;
  assert.deepEqual([patches.dtype, patches.shape], ["F16", [16, 3, 10, 10]]);
  assert.deepEqual(tensors.get("logit_scale")!.shape, []);
}
