import assert from "node:assert/strict";
import { join } from "node:path";
import { loraSpecs } from "../models/llama_adapters.ts";
import { llamaSpecs } from "../models/llama_weights.ts";
import type { ModelWeights } from "../models/multimodal.ts";
import { loadPeft } from "../models/peft.ts";
import { parseSafetensors } from "../models/safetensors.ts";
import { DEFAULT_LORA } from "../nn/lora.ts";
import { mlpSpecs } from "../nn/mlp.ts";
import { drawValues, type ParameterSpec } from "../nn/parameters.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { TINY_CONFIG } from "../testing/tiny_checkpoint.ts";
import { loadWeights, saveWeights } from "./saved_weights.ts";

const about = { lora: { ...DEFAULT_LORA, rank: 2, dropout: 0.3 }, baseModel: "tiny" };

const draw = (specs: ParameterSpec[]) =>
  new Map(
    specs.map((spec) => {
      const { name, rows, columns } = spec;
      const initialisation = { kind: "normal", deviation: 1 } as const;
      return [name, { rows, columns, data: drawValues(3, { ...spec, initialisation }) }];
    }),
  );

const PROJECTOR = {
  connector: draw(mlpSpecs("P1", { in: 5, hidden: 7, out: 12 })),
  objective: draw(mlpSpecs("P2", { in: 12, hidden: 12, out: 5 })),
};
const WEIGHTS: Record<string, ModelWeights> = {
  "a projector": PROJECTOR,
  "a projector without P2": { ...PROJECTOR, objective: new Map() },
  "a projector and adapters": { ...PROJECTOR, lora: draw(loraSpecs(TINY_CONFIG, about.lora)) },
  "everything": {
    ...PROJECTOR,
    lora: draw(loraSpecs(TINY_CONFIG, about.lora)),
    decoder: draw(llamaSpecs(TINY_CONFIG)),
  },
};

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  await inTempFolder((dir) => test(join(dir, "weights", "run")));
}

for (const [what, weights] of Object.entries(WEIGHTS)) {
  Deno.test(`${what} comes back from its folder bit for bit`, async () => {
    await inFolder(async (folder) => {
      await saveWeights(folder, weights, about);
      const loaded = await loadWeights(folder, TINY_CONFIG);
      assert.deepEqual(Object.keys(loaded).sort(), Object.keys(weights).sort());
      for (const part of Object.keys(weights) as (keyof ModelWeights)[]) {
        assert.deepEqual([...loaded[part]!.keys()].sort(), [...weights[part]!.keys()].sort(), part);
        for (const [name, matrix] of weights[part]!) {
          assert.deepEqual(loaded[part]!.get(name), matrix, name);
        }
      }
    });
  });
}

Deno.test("names are PyTorch's, and adapters are a folder that PEFT reads", async () => {
  await inFolder(async (folder) => {
    await saveWeights(folder, WEIGHTS.everything, about);
    const files = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(files.sort(), [
      "adapter_config.json",
      "adapter_model.safetensors",
      "decoder.safetensors",
      "projector.safetensors",
    ]);
    const projector = parseSafetensors(await Deno.readFile(join(folder, "projector.safetensors")));
    assert.deepEqual(projector.get("P1.0.weight")!.shape, [7, 5]);
    const { lora, baseModel, weights } = await loadPeft(folder, TINY_CONFIG);
    assert.deepEqual(lora, { ...about.lora, targets: [...about.lora.targets] });
    assert.equal(baseModel, "tiny");
    assert.ok(weights.has("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"));
  });
});

Deno.test("a folder without a projector, and damaged files, are refused by name", async () => {
  await inFolder(async (folder) => {
    await assert.rejects(loadWeights(folder, TINY_CONFIG), {
      name: "RangeError",
      message: `Cannot load run: "${folder}" has no "projector.safetensors"`,
    });
    await saveWeights(folder, WEIGHTS.everything, about);
    for (
      const file of [
        "projector.safetensors",
        "decoder.safetensors",
        "adapter_model.safetensors",
        "adapter_config.json",
      ]
    ) {
      const path = join(folder, file);
      const whole = await Deno.readFile(path);
      await Deno.writeFile(path, whole.subarray(0, whole.length - 2));
      await assert.rejects(loadWeights(folder, TINY_CONFIG), (error: Error) => {
        assert.match(error.message, /^Cannot read [^\n]+$/);
        assert.ok(error.message.endsWith(`, in "${path}"`), error.message);
        return true;
      });
      await Deno.writeFile(path, whole);
    }
    await loadWeights(folder, TINY_CONFIG);
  });
});
