/** Golden decoders through the loader, and what a model folder must hold. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildTokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { writeMatrix } from "../gpu/memory.ts";
import { freeTensor, ownTensor } from "../gpu/tensor.ts";
import { embedding } from "../tensor/embedding.ts";
import { ropeTable } from "../tensor/rope.ts";
import {
  goldenFloat64,
  goldenFolder,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { TINY_CONFIG_JSON, tinyTensors, withModelFolder } from "../testing/tiny_checkpoint.ts";
import { assertClose } from "../testing/tolerance.ts";
import { freeDecoder, uploadDecoder } from "./decoder_weights.ts";
import { llamaHead, llamaLayers } from "./llama.ts";
import { headLayout } from "./llama_config.ts";
import { loadLlama, openDecoder, openLlama, readSettings } from "./load_llama.ts";

for (const engine of await testEngines()) {
  for (const name of listGolden("llama")) {
    for (const [what, most] of [["whole", undefined], ["in bands of eight rows", 8]] as const) {
      Deno.test(`the files of golden decoder ${name} give its logits, weights ${what} ${formOf(engine)}`, async () => {
        const topic = `llama/${name}`;
        const { json } = readGolden(topic, "case");
        const inputs = readGolden(topic, "inputs");
        const { config, checkpoint, eos, bos, context } = await openDecoder(
          join(goldenFolder(), topic),
        );
        const { eos_token_id, bos_token_id, max_position_embeddings } =
          readGolden(topic, "config").json;
        assert.deepEqual([eos, bos, context], [
          [eos_token_id],
          bos_token_id,
          max_position_embeddings,
        ]);
        const { batch, image_tokens: images, text_length_padded: text } = json;
        const length = images + text;
        const ids = goldenFloat64(inputs, "input_ids");
        const sources = Array.from({ length: batch * length }, (_, row) => {
          const [b, t] = [Math.floor(row / length), row % length];
          return t < images ? -1 - (b * images + t) : ids[b * text + t - images];
        });
        const weights = uploadDecoder(engine, config, checkpoint, most);
        const heads = headLayout(config);
        const table = ownTensor(engine, "rope", { rows: length, columns: heads.headWidth });
        writeMatrix(engine.device, table.matrix!, ropeTable(length, heads, config.rope_theta));
        const x = upload(
          engine,
          "images",
          { rows: batch * images, columns: config.hidden_size },
          goldenFloat64(inputs, "image_embeds"),
        );
        const given = uploadInts(engine, sources);
        const positions = uploadInts(engine, sources.map((_, row) => row % length));
        const index = { sources: given, starts: given, places: given, imageRows: given };
        const { logits } = await runOnce(engine, (tape) => {
          const embedded = embedding(
            tape,
            weights.get("model.embed_tokens.weight")!,
            x,
            index,
            batch * length,
          );
          const sequence = { batch, prefix: length, blocks: 0, block: 0 };
          const rope = { table, positions };
          const { output } = llamaLayers(tape, config, weights, embedded, rope, sequence);
          return { logits: llamaHead(tape, config, weights, output) };
        });
        const valid = goldenFloat64(inputs, "valid_mask");
        assertClose(
          logits.map((value, i) => valid[Math.floor(i / config.vocab_size)] ? value : 0),
          goldenFloat64(readGolden(topic, "expected"), "base.logits"),
          goldenTolerance(json, "logits"),
          "logits",
        );
        freeDecoder(engine, weights);
        for (const tensor of [table, x]) freeTensor(engine, tensor);
        for (const buffer of [given, positions]) buffer.destroy();
      });
    }
  }
}

// Four specials and 256 bytes come before the words.
const { tokenizer, config: tokenizerConfig } = tokenizerFiles(buildTokenizer(["red square"]));
const CONFIG = { ...TINY_CONFIG_JSON, vocab_size: 262 };
const FILES = {
  "config.json": CONFIG,
  "tokenizer.json": tokenizer,
  "tokenizer_config.json": tokenizerConfig,
  "model.safetensors": tinyTensors({ ...CONFIG }),
};
const AWAY = { cacheDir: "no-cache", hub: "http://127.0.0.1:1" };

Deno.test("a folder gives settings, tokenizer and weights", async () => {
  await withModelFolder(FILES, async (dir) => {
    const { folder, config, eos, bos, context, tokenizer, checkpoint, files } = await openLlama(
      ".",
      { ...AWAY, from: dir },
    );
    assert.deepEqual([folder, config.vocab_size], [dir, 262]);
    assert.deepEqual([eos, bos, context], [[2, 5], 1, 32]);
    assert.deepEqual(tokenizer.encode("red square"), [260, 261]);
    assert.equal(checkpoint.get("lm_head.weight")!.rows, 262);
    assert.deepEqual(files, [...Object.keys(FILES)].sort());
  });
});

Deno.test("rows of a decoder that have no token leave no text, and what is no row is refused", async () => {
  const padded = { ...CONFIG, vocab_size: 272 };
  const files = { ...FILES, "config.json": padded, "model.safetensors": tinyTensors(padded) };
  await withModelFolder(files, async (dir) => {
    const { tokenizer } = await openLlama(dir, AWAY);
    assert.equal(tokenizer.vocabularySize, 262);
    assert.equal(tokenizer.decode([260, 262, 261, 271]), "red square");
    assert.equal(tokenizer.decode([262]), "");
    for (const id of [-1, 272]) {
      assert.throws(() => tokenizer.decode([260, id]), {
        name: "RangeError",
        message: `Cannot decode token ${id}: the vocabulary has 262`,
      });
    }
  });
});

Deno.test("the content hash changes with any byte of configuration, tokenizer and weights, not with the folder", async () => {
  const hashOf = async (files: Record<string, unknown>) => {
    let hash = "";
    await withModelFolder(files, async (dir) => {
      hash = (await loadLlama(dir, AWAY)).contentHash;
    });
    return hash;
  };
  const hash = await hashOf(FILES);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(await hashOf(FILES), hash);
  assert.equal(await hashOf({ ...FILES, "README.md": {} }), hash);
  const others = [
    { ...FILES, "config.json": { ...CONFIG, rope_theta: 20_000 } },
    { ...FILES, "generation_config.json": { eos_token_id: 2 } },
    { ...FILES, "tokenizer.json": { ...tokenizer, version: "1.1" } },
    { ...FILES, "tokenizer_config.json": { ...tokenizerConfig, more: 1 } },
    { ...FILES, "model.safetensors": tinyTensors({ ...CONFIG }, 2) },
  ];
  const hashes = await Promise.all(others.map(hashOf));
  assert.equal(new Set([hash, ...hashes]).size, 1 + others.length);
});

Deno.test("what is missing or does not fit is named", async () => {
  const { "config.json": _, ...noConfig } = FILES;
  const { "tokenizer.json": __, ...noTokenizer } = FILES;
  const small = { ...CONFIG, vocab_size: 23 };
  const cases: [Record<string, unknown>, RegExp][] = [
    [noConfig, /"config.json" is not in/],
    [noTokenizer, /"tokenizer.json" is not in/],
    [{ ...FILES, "config.json": { ...CONFIG, model_type: "gpt2" } }, /"model_type" is "gpt2"/],
    [{ ...FILES, "config.json": [] }, /config.json": it is no JSON object/],
    [
      { ...FILES, "config.json": small, "model.safetensors": tinyTensors({ ...small }) },
      /its tokenizer has 262 tokens, its decoder 23/,
    ],
  ];
  for (const [files, message] of cases) {
    await withModelFolder(files, async (dir) => {
      await assert.rejects(openLlama(dir, AWAY), message);
    });
  }
});

Deno.test("a name that is neither folder nor on the hub is said to be neither", async () => {
  await assert.rejects(openLlama("nowhere", AWAY), /"nowhere": there is no such folder/);
  await assert.rejects(
    openLlama("no/where", AWAY),
    /"no\/where": 127.0.0.1:1 cannot be reached \(.*\); nor is there a folder "no\/where"$/,
  );
});

Deno.test("settings need config.json alone", async () => {
  await withModelFolder({ "config.json": CONFIG }, async (dir) => {
    const { config, context } = await readSettings(dir, AWAY);
    assert.deepEqual([config.vocab_size, context], [262, 32]);
  });
  await assert.rejects(readSettings("no/where", AWAY), /cannot be reached/);
});
