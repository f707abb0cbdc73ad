/** What the losses do to P1, measured apart, against the training step and the reference. */
import assert from "node:assert/strict";
import { packBatch } from "../data/packing.ts";
import {
  createModel,
  destroyModel,
  type Module,
  type MultimodalModel,
  readWeights,
  writeBatch,
} from "../models/multimodal.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { compileTrainingStep } from "../models/training_step.ts";
import { OBJECTIVES } from "../objectives/objectives.ts";
import { type Mlp, mlp, type MlpParameter } from "../reference/mlp.ts";
import { randomValues } from "../reference/random_values.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { diagnose } from "./diagnostics.ts";

const TOLERANCE = { rtol: 1e-4, atol: 1e-7 };

for (const engine of await testEngines()) {
  const makeModel = (objective: string, trained?: Module[]): MultimodalModel => {
    const layout = { batch: 2, prefix: 4, blocks: 1, block: 4, answers: 2, vocabulary: 11, pad: 0 };
    const model = createModel(engine, {
      connector: "mlp",
      objective: OBJECTIVES[objective],
      decoder: {
        vocab_size: 11,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 4,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000,
        tie_word_embeddings: true,
      },
      visionWidth: 6,
      projectorWidth: 10,
      layout,
      seed: 3,
      trained,
    });
    const questions = [{ prompt: [3, 1], answer: [9, 2] }];
    const entries = [0, 1].map((image) => ({ image, questions }));
    const images = Float32Array.from(randomValues(7, 2 * 4 * 6, 2));
    writeBatch(model, images, packBatch(entries, layout));
    return model;
  };

  Deno.test(`gradient norms of the losses are those of the training step ${formOf(engine)}`, async () => {
    const settings = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0, clip: 0 };
    const numbers = { learningRate: [0, 0] as [number, number], tokenScale: 0.25 };
    const normOf = async (objective: string, lambda: number, tokenScale: number) => {
      const model = makeModel(objective, ["P1"]);
      const step = compileTrainingStep(model, settings);
      step.run(0, { ...numbers, lambda, tokenScale });
      const [{ gradientNorm }] = await step.readLosses();
      step.destroy();
      destroyModel(model);
      return gradientNorm;
    };
    const before = engine.memory.bytes;
    const model = makeModel("cosine-constraint", ["P1"]);
    const measured = await diagnose(model, { lambda: 2, tokenScale: 0.25 });
    assertClose(
      [measured.tokenGradientNorm, measured.cosineGradientNorm!],
      [await normOf("none", 0, 0.25), await normOf("cosine-constraint", 2, 0)],
      TOLERANCE,
      "norms",
    );
    // P2 leads to the width of x there, and nothing of it is near the identity.
    assert.equal(measured.p2Distance, null);
    const plain = makeModel("none");
    const { cosineGradientNorm, ...others } = await diagnose(plain, {
      lambda: 0,
      tokenScale: 0.25,
    });
    assert.equal(cosineGradientNorm, null);
    assert.equal(others.meanNorm, measured.meanNorm);
    assert.equal(others.averageCosine, measured.averageCosine);
    for (const each of [model, plain]) destroyModel(each);
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`P2's distance from the identity is the reference's ${formOf(engine)}`, async () => {
    const model = makeModel("self-distillation");
    const { p2Distance, meanNorm } = await diagnose(model, { lambda: 1, tokenScale: 0.25 });
    const questioner = compileQuestioner(model);
    const { z } = await questioner.project();
    const { objective } = await readWeights(model);
    const p2 = Object.fromEntries(
      [...objective].map(([name, { data }]) => [name.replace("P2.", ""), Float64Array.from(data)]),
    ) as Record<MlpParameter, Float64Array> satisfies Mlp;
    const { y } = mlp(Float64Array.from(z), p2);
    const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
    const wanted = norm(y.map((value, i) => value - z[i])) / norm(z);
    assertClose([p2Distance!], [wanted], TOLERANCE, "distance");
    const rows = Array.from({ length: z.length / 8 }, (_, row) => z.slice(8 * row, 8 * row + 8));
    assertClose(
      [meanNorm],
      [rows.reduce((sum, row) => sum + norm(row), 0) / rows.length],
      TOLERANCE,
      "mean norm",
    );
    questioner.destroy();
    destroyModel(model);
  });
}
