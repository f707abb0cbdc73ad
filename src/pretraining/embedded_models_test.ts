/** The decoder that comes with the project is what its card says. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { packLlama } from "../models/llama_weights.ts";
import { loadLlama } from "../models/load_llama.ts";
import { createParameters, freeParameters } from "../nn/parameters.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { type LanguageFigures, renderModelCard } from "./model_card.ts";
import { DECODER } from "./models.ts";
import { LANGUAGE_SETTINGS, testLanguage } from "./pretrain_language.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

const WEIGHTS = fileURLToPath(new URL("../models/weights/", import.meta.url));
const text = (name: string) => Deno.readTextFile(join(WEIGHTS, name));
const language: LanguageFigures = JSON.parse(await text("language.json"));
const tokenizer = pretrainingTokenizer();

Deno.test("the model card and its curves are what the figures give", async () => {
  const { markdown, curves } = renderModelCard({ language });
  assert.equal(await text("README.md"), markdown);
  for (const [name, svg] of Object.entries(curves)) {
    assert.equal(await text(join("curves", name)), svg);
  }
});

Deno.test("the figures were left by the settings and the shape that a pre-training takes", () => {
  assert.deepEqual(language.settings, LANGUAGE_SETTINGS);
  assert.deepEqual(language.config, { vocab_size: tokenizer.vocabularySize, ...DECODER });
  assert.equal(language.curve.at(-1)!.step, LANGUAGE_SETTINGS.steps);
});

Deno.test("the decoder has the tokenizer of the pre-training", async () => {
  const { tokenizer: expected } = tokenizerFiles(tokenizer);
  assert.deepEqual(
    JSON.parse(await text(join("decoder", "tokenizer.json"))),
    JSON.parse(JSON.stringify(expected)),
  );
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
