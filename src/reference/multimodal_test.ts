/** The whole training loss against central differences, and what its arms share. */
import assert from "node:assert/strict";
import { assertGradient } from "../testing/finite_difference.ts";
import { assertClose, FLOAT64 } from "../testing/tolerance.ts";
import type { LlamaConfig } from "./llama.ts";
import type { Mlp, MlpParameter } from "./mlp.ts";
import { multimodal, type MultimodalModel, OBJECTIVES } from "./multimodal.ts";
import { packQuestions } from "./packing.ts";
import { randomValues } from "./random_values.ts";
import { add } from "./values.ts";

const CONFIG: LlamaConfig = {
  hidden_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  vocab_size: 11,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
};
const ENCODER_WIDTH = 5;
const IMAGE_TOKENS = 3;
const LAMBDA = 0.7;

type Objective = keyof typeof OBJECTIVES;
const NAMES = Object.keys(OBJECTIVES) as Objective[];

const BATCH = {
  x: randomValues(1, 2 * IMAGE_TOKENS * ENCODER_WIDTH),
  sequences: [
    packQuestions(IMAGE_TOKENS, [
      { ids: [3, 1, 4, 2], answerMask: [0, 0, 1, 1] },
      { ids: [5, 9, 2], answerMask: [0, 1, 1] },
    ]),
    packQuestions(IMAGE_TOKENS, [{ ids: [6, 5, 3], answerMask: [0, 0, 1] }]),
  ],
};

for (const objective of NAMES) {
  Deno.test(`all gradients of a step of ${objective} agree with finite differences`, () => {
    const model = smallModel(objective);
    const { gradP1, gradP2, gradDecoder } = multimodal(model, BATCH, objective, LAMBDA);
    const check = { rtol: 1e-7, atol: 1e-10, entries: 3 };
    for (const [part, gradients] of [["p1", gradP1], ["p2", gradP2]] as const) {
      for (const [name, gradient] of Object.entries(gradients ?? {})) {
        const values = model[part][name as MlpParameter];
        const loss = (moved: Float64Array) =>
          multimodal(
            { ...model, [part]: { ...model[part], [name]: moved } },
            BATCH,
            objective,
            LAMBDA,
          )
            .loss;
        assertGradient(loss, values, gradient, check, `${part}.${name}`);
      }
    }
    assert.deepEqual([...gradDecoder.keys()].sort(), [...model.decoder.keys()].sort());
    for (const [name, gradient] of gradDecoder) {
      const loss = (moved: Float64Array) => {
        const decoder = new Map(model.decoder).set(name, moved);
        return multimodal({ ...model, decoder }, BATCH, objective, LAMBDA).loss;
      };
      assertGradient(loss, model.decoder.get(name)!, gradient, check, name);
    }
  });
}

Deno.test("at lambda 0 every arm has the gradients of the baseline", () => {
  for (const objective of NAMES) {
    const model = smallModel(objective);
    const baseline = multimodal(model, BATCH, "baseline", 0);
    const arm = multimodal(model, BATCH, objective, 0);
    assert.equal(arm.loss, baseline.loss);
    assert.deepEqual(arm.gradP1, baseline.gradP1);
    assert.deepEqual(arm.gradDecoder, baseline.gradDecoder);
    for (const gradient of Object.values(arm.gradP2 ?? {})) {
      assert.ok(gradient.every((g) => g === 0));
    }
  }
});

Deno.test("the losses of an arm add up with lambda", () => {
  for (const objective of NAMES) {
    const { loss, tokenLoss, cosineLoss } = multimodal(
      smallModel(objective),
      BATCH,
      objective,
      LAMBDA,
    );
    assertClose([loss], [tokenLoss + LAMBDA * (cosineLoss ?? 0)], FLOAT64, objective);
    assert.equal(cosineLoss === null, objective === "baseline");
  }
});

Deno.test("the regulariser does not reach the decoder's weights", () => {
  const decoders = NAMES.map((objective) =>
    multimodal(smallModel(objective), BATCH, objective, LAMBDA).gradDecoder
  );
  for (const decoder of decoders) assert.deepEqual(decoder, decoders[0]);
});

function smallModel(objective: Objective): MultimodalModel {
  const { hidden_size: hidden, num_hidden_layers: layers, vocab_size: vocabulary } = CONFIG;
  const queries = CONFIG.num_attention_heads * CONFIG.head_dim;
  const keys = CONFIG.num_key_value_heads * CONFIG.head_dim;
  const inner = 7;
  const sizes: Record<string, number> = {
    "model.embed_tokens.weight": vocabulary * hidden,
    "lm_head.weight": vocabulary * hidden,
    "model.norm.weight": hidden,
  };
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string, size: number) => sizes[`model.layers.${layer}.${name}.weight`] = size;
    of("input_layernorm", hidden);
    of("self_attn.q_proj", queries * hidden);
    of("self_attn.k_proj", keys * hidden);
    of("self_attn.v_proj", keys * hidden);
    of("self_attn.o_proj", hidden * queries);
    of("post_attention_layernorm", hidden);
    of("mlp.gate_proj", inner * hidden);
    of("mlp.up_proj", inner * hidden);
    of("mlp.down_proj", hidden * inner);
  }
  const decoder = new Map(
    Object.entries(sizes).map(([name, size], index) => {
      const values = randomValues(100 + index, size);
      // Gains are about 1, as in a model that trains.
      return [name, name.endsWith("norm.weight") ? add(values, values.map(() => 1.5)) : values];
    }),
  );
  const p2Outputs = objective === "cosine-constraint" ? ENCODER_WIDTH : hidden;
  return {
    p1: projector(10, ENCODER_WIDTH, hidden),
    p2: projector(20, hidden, p2Outputs),
    decoder,
    config: CONFIG,
  };
}

function projector(seed: number, inputs: number, outputs: number): Mlp {
  const hidden = 8;
  return {
    "0.weight": randomValues(seed, hidden * inputs),
    "0.bias": randomValues(seed + 1, hidden),
    "2.weight": randomValues(seed + 2, outputs * hidden),
    "2.bias": randomValues(seed + 3, outputs),
  };
}
