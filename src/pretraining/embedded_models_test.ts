/** The models that come with the project are what their card says. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { loadEncoder } from "../encoders/encoders.ts";
import { packLlama } from "../models/llama_weights.ts";
import { loadLlama } from "../models/load_llama.ts";
import { createParameters, freeParameters } from "../nn/parameters.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { type LanguageFigures, renderModelCard, type VisionFigures } from "./model_card.ts";
import { CLIP_PAIR, DECODER } from "./models.ts";
import { LANGUAGE_SETTINGS, testLanguage } from "./pretrain_language.ts";
import { VISION_SETTINGS } from "./pretrain_vision.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const WEIGHTS = fileURLToPath(new URL("../models/weights/", import.meta.url));
const text = (name: string) => Deno.readTextFile(join(WEIGHTS, name));
const language: LanguageFigures = JSON.parse(await text("language.json"));
const vision: VisionFigures = JSON.parse(await text("vision.json"));
const tokenizer = pretrainingTokenizer();

Deno.test("the model card and its curves are what the figures give", async () => {
  const { markdown, curves } = renderModelCard({ language, vision });
  assert.equal(await text("README.md"), markdown);
  for (const [name, svg] of Object.entries(curves)) {
    assert.equal(await text(join("curves", name)), svg);
  }
});

Deno.test("the figures were left by the settings and shapes that a pre-training takes", () => {
  assert.deepEqual(language.settings, LANGUAGE_SETTINGS);
  assert.deepEqual(vision.settings, VISION_SETTINGS);
  assert.deepEqual(language.config, { vocab_size: tokenizer.vocabularySize, ...DECODER });
  assert.deepEqual(vision.config.vision_config, CLIP_PAIR.vision_config);
  assert.equal(language.curve.at(-1)!.step, LANGUAGE_SETTINGS.steps);
  assert.equal(vision.curve.at(-1)!.step, VISION_SETTINGS.steps);
});

Deno.test("both models have the tokenizer of the pre-training", async () => {
  const { tokenizer: expected } = tokenizerFiles(tokenizer);
  for (const folder of ["clip", "decoder"]) {
    assert.deepEqual(
      JSON.parse(await text(join(folder, "tokenizer.json"))),
      JSON.parse(JSON.stringify(expected)),
    );
  }
});

Deno.test("the vision tower loads, and its width is below the decoder's hidden size", async () => {
  const encoder = await loadEncoder("embedded", { cacheDir: WEIGHTS });
  assert.equal(encoder.name, "embedded");
  assert.equal(encoder.width, CLIP_PAIR.vision_config.hidden_size);
  assert.ok(encoder.width < DECODER.hidden_size);
  await encoder.close?.();
});

const [engine] = await testEngines();

Deno.test(`the decoder answers as often as its card says ${formOf(engine)}`, async () => {
  const { config, checkpoint } = await loadLlama(join(WEIGHTS, "decoder"), { cacheDir: WEIGHTS });
  const parameters = createParameters(
    engine,
    [...packLlama(config, checkpoint)].map(([name, { data, ...size }]) => ({
      name,
      ...size,
      values: data,
    })),
  );
  try {
    const types = ["shape", "color"];
    const questions = 96;
    const options = { seed: 1, questions, types };
    const found = await testLanguage(engine, config, parameters, tokenizer, options);
    for (const part of ["text", "phrases"] as const) {
      for (const type of types) {
        const share = language.accuracy[part][type];
        // Four standard errors of so few questions, as a share of them.
        const margin = 4 * Math.sqrt(share * (1 - share) / questions) + 1 / questions;
        assert.ok(Math.abs(found[part][type] - share) <= margin, `${part} ${type}`);
      }
    }
  } finally {
    freeParameters(engine, parameters);
  }
});
