/** Adapters to and from PEFT's files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomValues } from "../reference/random_values.ts";
import { goldenFolder, goldenTensor, listGolden, readGolden } from "../testing/golden.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { loraSpecs } from "./llama_adapters.ts";
import {
  ADAPTER_CONFIG,
  ADAPTER_MODEL,
  loadPeft,
  parsePeftConfig,
  parsePeftWeights,
  peftConfig,
  savePeft,
} from "./peft.ts";
import { parseSafetensors, type Tensor, writeSafetensors } from "./safetensors.ts";

for (const name of listGolden("llama")) {
  const topic = `llama/${name}`;
  const folder = join(goldenFolder(), topic);
  const config = readGolden(topic, "config").json;

  Deno.test(`the golden adapter ${name} is read, and written as it was`, async () => {
    const adapter = await loadPeft(folder, config);
    assert.deepEqual(adapter.lora, {
      rank: 4,
      alpha: 32,
      dropout: 0,
      targets: ["q_proj", "v_proj"],
    });
    assert.equal(adapter.baseModel, null);
    const golden = readGolden(topic, "adapter_model");
    assert.deepEqual([...adapter.weights.keys()].sort(), [...golden.tensors.keys()].sort());
    for (const [name, { rows, columns, data }] of adapter.weights) {
      const { shape, data: expected } = goldenTensor(golden, name);
      assert.deepEqual([rows, columns], shape);
      assert.deepEqual(data, Float32Array.from(expected));
    }

    await inTempFolder(async (copy) => {
      await savePeft(join(copy, "adapter"), adapter);
      assert.deepEqual(await loadPeft(join(copy, "adapter"), config), adapter);
      const written = JSON.parse(await Deno.readTextFile(join(copy, "adapter", ADAPTER_CONFIG)));
      const given = JSON.parse(await Deno.readTextFile(join(folder, ADAPTER_CONFIG)));
      for (const field of Object.keys(given).filter((field) => field !== "inference_mode")) {
        assert.deepEqual(written[field], given[field], field);
      }
    });
  });

  Deno.test(`tensors of the adapter ${name} that are missing, too many or mis-shaped are named`, async () => {
    const { lora } = await loadPeft(folder, config);
    const bytes = await Deno.readFile(join(folder, ADAPTER_MODEL));
    const changed = (change: (tensors: Map<string, Tensor>, first: string) => void) => {
      const tensors = parseSafetensors(bytes);
      change(tensors, [...tensors.keys()][0]);
      return () => parsePeftWeights(writeSafetensors(tensors), config, lora);
    };
    const first = [...parseSafetensors(bytes).keys()][0];
    const message = (what: string) => ({ name: "RangeError", message: what });
    assert.throws(
      changed((tensors) => tensors.delete(first)),
      message(`Cannot read adapters: tensor "${first}" is missing`),
    );
    assert.throws(
      changed((tensors) => tensors.set("lm_head.weight", tensors.get(first)!)),
      message('Cannot read adapters: tensor "lm_head.weight" belongs to no adapter'),
    );
    assert.throws(
      changed((tensors) => {
        const tensor = tensors.get(first)!;
        tensors.set(first, { ...tensor, shape: tensor.shape.toReversed() });
      }),
      /Cannot read adapters: tensor ".*" has the shape \[.*\], not \[.*\]/,
    );
  });
}

const CONFIG = {
  vocab_size: 11,
  hidden_size: 10,
  intermediate_size: 14,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 6,
  rms_norm_eps: 1e-5,
  rope_theta: 100,
  tie_word_embeddings: false,
};

Deno.test("adapters of all projections with dropout come back from their files", async () => {
  const lora = {
    rank: 3,
    alpha: 8,
    dropout: 0.3,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  } as const;
  const weights = new Map(
    loraSpecs(CONFIG, lora).map(({ name, rows, columns }, i) => [
      name,
      { rows, columns, data: Float32Array.from(randomValues(i, rows * columns)) },
    ]),
  );
  const adapter = { lora, baseModel: "someone/tiny-llama", weights };
  await inTempFolder(async (folder) => {
    await savePeft(folder, adapter);
    const loaded = await loadPeft(folder, CONFIG);
    assert.deepEqual(loaded, adapter);
  });
});

// What is written must be read, and each change of it judged by its name.
const GIVEN = JSON.parse(
  peftConfig({
    lora: { rank: 4, alpha: 32, dropout: 0.1, targets: ["q_proj"] },
    baseModel: null,
  }),
);
const parse = (fields: Record<string, unknown>) =>
  parsePeftConfig(JSON.stringify({ ...GIVEN, ...fields }));

Deno.test("a config with what PEFT writes beside is read", () => {
  const { lora } = parse({
    alpha_pattern: {},
    auto_mapping: null,
    eva_config: null,
    exclude_modules: null,
    init_lora_weights: "gaussian",
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_bias: false,
    megatron_config: null,
    megatron_core: "megatron.core",
    peft_version: "0.17.0",
    rank_pattern: {},
    revision: "main",
    target_modules: ["v_proj", "q_proj"],
    trainable_token_indices: null,
    use_qalora: false,
  });
  assert.deepEqual(lora, { rank: 4, alpha: 32, dropout: 0.1, targets: ["q_proj", "v_proj"] });
});

for (
  const [field, value] of [
    ["peft_type", "IA3"],
    ["task_type", "SEQ_CLS"],
    ["bias", "all"],
    ["fan_in_fan_out", true],
    ["init_lora_weights", "pissa"],
    ["use_dora", true],
    ["use_rslora", true],
    ["rank_pattern", { "layers.0.self_attn.q_proj": 8 }],
    ["alpha_pattern", { "layers.0.self_attn.q_proj": 8 }],
    ["modules_to_save", ["lm_head"]],
    ["layers_to_transform", [1]],
    ["lora_bias", true],
    ["target_modules", ["q_proj", "embed_tokens"]],
    ["something_new", "on"],
  ] as const
) {
  Deno.test(`a config with ${field} ${JSON.stringify(value)} is refused by name`, () => {
    assert.throws(() => parse({ [field]: value }), {
      name: "RangeError",
      message: new RegExp(`^Cannot read adapters: ${field} is `),
    });
  });
}

Deno.test("a config that is none is refused", () => {
  assert.throws(() => parsePeftConfig("{"), { name: "SyntaxError" });
  assert.throws(() => parsePeftConfig("[]"), { name: "TypeError" });
  assert.throws(() => parse({ r: "4" }), { name: "TypeError", message: /r is "4", not a number/ });
  assert.throws(() => parse({ target_modules: "all-linear" }), { name: "TypeError" });
});
