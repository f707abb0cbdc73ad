import assert from "node:assert/strict";
import { mlpSpecs } from "../nn/mlp.ts";
import { drawValues } from "../nn/parameters.ts";
import { adamwStart, adamwStep } from "../reference/adamw.ts";
import { cosineLoss, cosineLossBackward } from "../reference/cosine.ts";
import { mlp, type MlpParameter } from "../reference/mlp.ts";
import { randomValues } from "../reference/random_values.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { freshP2Cosine } from "./fresh_p2.ts";

const ROWS = 20, TRAINED = 15, WIDTH = 8;

/** Tokens around one direction; without noise they are a complete collapse. */
function tokens(noise: number) {
  const random = randomValues(5, ROWS * WIDTH, noise);
  return { rows: ROWS, cols: WIDTH, data: random.map((value, i) => value + Math.sin(i % WIDTH)) };
}

/** The same in float64. */
function reference(z: Float64Array, seed: number): number {
  const specs = mlpSpecs("P2", { in: WIDTH, hidden: WIDTH, out: WIDTH });
  const names = specs.map(({ name }) => name.slice("P2.".length) as MlpParameter);
  const p2 = Object.fromEntries(specs.map((spec, i) => [
    names[i],
    Float64Array.from(drawValues(seed, { ...spec, name: `fresh ${spec.name}` })),
  ])) as Record<MlpParameter, Float64Array>;
  const states = names.map((name) => adamwStart(p2[name]));
  const settings = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };
  const seen = z.subarray(0, TRAINED * WIDTH), unseen = z.subarray(TRAINED * WIDTH);
  for (let step = 0; step < 200; step++) {
    const { y, backward } = mlp(seen, p2);
    const { gradients } = backward(cosineLossBackward(y, seen, WIDTH).gradU);
    names.forEach((name, i) => {
      states[i] = adamwStep(states[i], gradients[name], step, settings);
      p2[name] = states[i].parameter;
    });
  }
  return 1 - cosineLoss(mlp(unseen, p2).y, unseen, WIDTH).loss;
}

for (const engine of await testEngines()) {
  Deno.test(`a fresh P2 learns what the reference learns ${formOf(engine)}`, async () => {
    const z = tokens(1);
    const before = engine.memory.bytes;
    const cosine = await freshP2Cosine(engine, z, 3);
    assert.ok(Math.abs(cosine - reference(z.data, 3)) < 1e-3, `${cosine}`);
    // It is no constant: another seed begins elsewhere.
    assert.notEqual(cosine, await freshP2Cosine(engine, z, 4));
    assert.equal(engine.memory.bytes, before);
  });

  Deno.test(`a collapse is stable under any P2, which is why it says little alone ${formOf(engine)}`, async () => {
    const [spread, collapsed] = [
      await freshP2Cosine(engine, tokens(2), 1),
      await freshP2Cosine(engine, tokens(0), 1),
    ];
    assert.ok(collapsed > 0.99 && collapsed > spread, `${collapsed} and ${spread}`);
  });
}
