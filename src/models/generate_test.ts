/** Greedy text against the float64 decoder run anew for every token, and against a real model's. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { llama } from "../reference/llama.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { sharedPath } from "../testing/shared_folder.ts";
import { TINY_CONFIG, tinyTensors } from "../testing/tiny_checkpoint.ts";
import { freeDecoder, uploadDecoder } from "./decoder_weights.ts";
import { generate } from "./generate.ts";
import { llamaSpecs } from "./llama_weights.ts";
import { openLlama } from "./load_llama.ts";
import { toFloat32 } from "./safetensors.ts";

const TENSORS = tinyTensors();
const CHECKPOINT = new Map(
  llamaSpecs(TINY_CONFIG).map(({ name, rows, columns }): [string, MatrixValues] => [
    name,
    { rows, columns, data: toFloat32(TENSORS.get(name)!) },
  ]),
);
const PROMPT = [1, 7, 3, 11, 20];
const NEW = 40;

/** The reference's logits behind a text. */
function logitsBehind(ids: number[]): Float64Array {
  const weights = new Map(
    [...CHECKPOINT].map(([name, { data }]) => [name, Float64Array.from(data)]),
  );
  const positions = ids.map((_, i) => i);
  const mask = (query: number, key: number) => key <= query;
  const { logits } = llama(weights, TINY_CONFIG, { imageEmbeds: [], ids, positions, mask });
  return logits.slice(-TINY_CONFIG.vocab_size);
}

const ids: number[] = [...PROMPT];
let gap = Infinity;
for (let i = 0; i < NEW; i++) {
  const logits = logitsBehind(ids);
  const [best, second] = logits.toSorted((a, b) => b - a);
  gap = Math.min(gap, best - second);
  ids.push(logits.indexOf(best));
}
const expected = ids.slice(PROMPT.length);
const ask = { prompt: PROMPT, maxTokens: NEW, eos: [] as number[], context: 64 };

Deno.test("the reference's choices are clear, and not always the same", () => {
  assert.ok(gap > 1e-4, `${gap}`);
  assert.ok(new Set(expected).size > 3, `${expected}`);
});

for (const engine of await testEngines()) {
  Deno.test(`tokens and first logits are the reference's ${formOf(engine)}`, async () => {
    const before = engine.memory.bytes;
    // In bands too: every weight but the gains in matrices of eight rows.
    for (const most of [undefined, 8]) {
      const weights = uploadDecoder(engine, TINY_CONFIG, CHECKPOINT, most);
      const { tokens, top5 } = await generate(engine, TINY_CONFIG, weights, ask);
      assert.deepEqual(tokens, expected);
      const logits = logitsBehind(PROMPT);
      const largest = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, 5);
      assert.deepEqual(top5.map(({ id }) => id), largest);
      for (const { id, logit } of top5) assert.ok(Math.abs(logit - logits[id]) < 1e-4);
      freeDecoder(engine, weights);
    }
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`a text ends at the first of its ends, wherever that is ${formOf(engine)}`, async () => {
    const weights = uploadDecoder(engine, TINY_CONFIG, CHECKPOINT);
    const run = (more: Partial<typeof ask>) =>
      generate(engine, TINY_CONFIG, weights, { ...ask, ...more });
    for (const end of new Set(expected)) {
      const { tokens } = await run({ eos: [end, expected.at(-1)!] });
      const first = expected.findIndex((id) => id === end || id === expected.at(-1));
      assert.deepEqual(tokens, expected.slice(0, first), `end ${end}`);
    }
    for (const maxTokens of [0, 1, 2, 16, 17, 18]) {
      const { tokens, top5 } = await run({ maxTokens });
      assert.deepEqual(tokens, expected.slice(0, maxTokens));
      assert.equal(top5[0].id, expected[0]);
    }
    freeDecoder(engine, weights);
  });

  Deno.test(`what cannot be generated is refused ${formOf(engine)}`, async () => {
    const weights = uploadDecoder(engine, TINY_CONFIG, CHECKPOINT);
    const run = (more: Partial<typeof ask>) =>
      generate(engine, TINY_CONFIG, weights, { ...ask, ...more });
    await assert.rejects(
      run({ context: 44 }),
      /Cannot generate 40 tokens behind a prompt of 5: the model's context is 44/,
    );
    await assert.rejects(
      run({ context: 4, maxTokens: 0 }),
      /Cannot generate: the prompt has 5 tokens, and the model's context is 4/,
    );
    assert.equal((await run({ context: 45, maxTokens: 40 })).tokens.length, 40);
    await assert.rejects(run({ prompt: [] }), /the prompt has no tokens/);
    await assert.rejects(run({ prompt: [23] }), /the prompt's id 23 is none of 23 tokens/);
    freeDecoder(engine, weights);
  });
}

const shared = sharedPath("models/stories260K");
for (const engine of await testEngines()) {
  Deno.test({
    name: `a real model writes what its reference says ${formOf(engine)}`,
    ignore: shared === null,
    async fn() {
      const { config, tokenizer, checkpoint, eos, context } = await openLlama(shared!, {
        cacheDir: "unused",
      });
      const expected = JSON.parse(Deno.readTextFileSync(join(shared!, "EXPECTED.json")));
      const weights = uploadDecoder(engine, config, checkpoint);
      const run = (prompt: number[], maxTokens: number) =>
        generate(engine, config, weights, { prompt, maxTokens, eos, context });
      for (const given of [expected.greedy_from_bos, ...expected.other_prompts]) {
        const { prompt_ids: prompt, prompt_text: text, new_ids: ids, first_step_top5 } = given;
        if (text) assert.deepEqual(tokenizer.encodePrompt(text), prompt);
        const { tokens, top5 } = await run(prompt, ids.length);
        assert.deepEqual(tokens, ids);
        assert.equal(tokenizer.decode([...prompt, ...tokens]), given.new_text);
        assert.equal(top5.length, first_step_top5.length);
        top5.forEach(({ id, logit }, i) => {
          assert.equal(id, first_step_top5[i].id);
          assert.ok(Math.abs(logit - first_step_top5[i].logit) < 1e-3);
        });
      }
      const { tokens } = await run(expected.greedy_from_bos.prompt_ids, 256);
      assert.equal(tokenizer.decode(tokens), expected.greedy_from_bos_256_text);
      freeDecoder(engine, weights);
    },
  });
}
