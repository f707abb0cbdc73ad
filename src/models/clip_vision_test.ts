/** The vision tower against the golden values, on both operand forms. */
import assert from "node:assert/strict";
import type { Engine } from "../gpu/engine.ts";
import { freeTensor, type Tensor } from "../gpu/tensor.ts";
import { tensorsOf } from "../nn/matrix_values.ts";
import { createParameters, freeParameters } from "../nn/parameters.ts";
import type { Tape } from "../tensor/tape.ts";
import { unitRows } from "../tensor/unit_rows.ts";
import {
  type Golden,
  goldenFloat64,
  goldenFolder,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { type ClipVisionConfig, parseClipVisionConfig } from "./clip_config.ts";
import {
  createVisionInputs,
  destroyVisionInputs,
  foldPatches,
  unfoldPatches,
  type VisionInputs,
  visionPooled,
  visionProjection,
  visionStates,
  writePixels,
} from "./clip_vision.ts";
import { type ClipParts, clipVisionParts, packClip, unpackClip } from "./clip_weights.ts";
import { parseSafetensors, type Tensor as StoredTensor } from "./safetensors.ts";

interface Case {
  config: ClipVisionConfig;
  parts: ClipParts;
  checkpoint: Map<string, StoredTensor>;
  inputs: Golden;
  expected: Golden;
  json: Golden["json"];
  batch: number;
}

function readCase(name: string): Case {
  const topic = `clip_vision/${name}`;
  const config = parseClipVisionConfig(readGolden(topic, "config").json);
  const model = Deno.readFileSync(`${goldenFolder()}/${topic}/model.safetensors`);
  const inputs = readGolden(topic, "inputs");
  return {
    config,
    parts: clipVisionParts(config),
    checkpoint: parseSafetensors(model),
    inputs,
    expected: readGolden(topic, "expected"),
    json: readGolden(topic, "case").json,
    batch: goldenTensor(inputs, "pixel_values").shape[0],
  };
}

/** The tower on the device with the golden pictures, for a trace. */
async function withTower(
  engine: Engine,
  { parts, checkpoint, config, inputs, batch }: Case,
  frozen: boolean,
  use: (weights: Map<string, Tensor>, vision: VisionInputs) => Promise<void>,
): Promise<void> {
  const before = engine.memory.bytes;
  const parameters = createParameters(
    engine,
    [...packClip(parts, checkpoint)].map(([name, { rows, columns, data }]) => ({
      name,
      rows,
      columns,
      values: data,
      frozen,
    })),
  );
  const vision = createVisionInputs(engine, config, batch);
  const pixels = goldenTensor(inputs, "pixel_values").data as Float32Array;
  writePixels(engine, config, vision, pixels);
  await use(tensorsOf(parameters), vision);
  destroyVisionInputs(engine, vision);
  freeParameters(engine, parameters);
  assert.equal(engine.memory.bytes, before);
}

/** Gradients by every parameter and the pixels, under golden names. */
async function gradientsOf(
  engine: Engine,
  { parts, config }: Case,
  weights: Map<string, Tensor>,
  vision: VisionInputs,
  trace: (tape: Tape) => Tensor,
  cotangent: ArrayLike<number>,
): Promise<Map<string, ArrayLike<number>>> {
  vision.patches.needsGradient = true;
  const uploaded: Tensor[] = [];
  const read = await runOnce(engine, (tape) => {
    const y = trace(tape);
    uploaded.push(upload(engine, "cotangent", y, cotangent));
    backwardFrom(tape, y, uploaded[0]);
    return Object.fromEntries(
      [...weights, ["pixel_values", vision.patches] as const]
        .map(([name, tensor]) => [name, tape.gradientOf(tensor)]),
    );
  });
  freeTensor(engine, uploaded[0]);
  const { pixel_values, ...gradients } = read;
  const matrices = Object.entries(gradients).map(([name, data]) => {
    const { rows, columns } = weights.get(name)!;
    return [name, { rows, columns, data }] as const;
  });
  return new Map<string, ArrayLike<number>>([
    ...[...unpackClip(parts, new Map(matrices))].map(([name, { data }]) =>
      [name, data as Float32Array] as const
    ),
    ["pixel_values", foldPatches(config, pixel_values)],
  ]);
}

/** Compares with all golden gradients of a prefix; what has none must be one of `absent`. */
function assertGradients(
  { expected, json }: Case,
  prefix: string,
  got: Map<string, ArrayLike<number>>,
  absent: string[],
): void {
  const names = [...expected.tensors.keys()].filter((name) => name.startsWith(`${prefix}.grad.`));
  assert.ok(names.length > got.size - 1, "every gradient has its golden value");
  const missing: string[] = [];
  for (const golden of names) {
    const name = golden.slice(`${prefix}.grad.`.length);
    const gradient = got.get(name);
    if (!gradient) {
      missing.push(name);
      continue;
    }
    const key = name.endsWith("k_proj.bias") ? "grad of *.k_proj.bias" : "grad";
    assertClose(gradient, goldenFloat64(expected, golden), goldenTolerance(json, key), golden);
  }
  assert.deepEqual(missing.sort(), absent.toSorted());
}

const CASES = listGolden("clip_vision").filter((name) => !name.startsWith("contrastive"));
assert.deepEqual(CASES, ["gelu", "quick_gelu"]);

for (const engine of await testEngines()) {
  for (const name of CASES) {
    const given = readCase(name);
    const { config, expected, json, inputs } = given;

    Deno.test(`the vision tower gives the golden states and features of ${name} ${formOf(engine)}`, () =>
      withTower(engine, given, true, async (weights, vision) => {
        const read = await runOnce(engine, (tape) => {
          const states = visionStates(tape, config, weights, vision);
          const pooled = visionPooled(tape, config, weights, vision, states.at(-1)!);
          const embeds = visionProjection(tape, weights, pooled);
          const commands = tape.commands.length;
          tape.backward();
          assert.equal(tape.commands.length, commands, "a frozen tower has no backward pass");
          return {
            ...Object.fromEntries(states.map((state, i) => [`hidden_states.${i}`, state])),
            pooler_output: pooled,
            image_embeds: embeds,
            image_embeds_normalized: unitRows(tape, embeds),
          };
        });
        const outputs = [...expected.tensors.keys()].filter((key) => !key.includes(".grad."));
        assert.deepEqual(Object.keys(read).sort(), outputs.sort());
        for (const [key, values] of Object.entries(read)) {
          const tolerance = key.replace(/\.\d+$/, "").replace("_normalized", "");
          const reference = goldenFloat64(expected, key);
          assertClose(values, reference, goldenTolerance(json, tolerance), key);
        }
      }));

    Deno.test(`the vision tower gives the golden gradients of the last state but one of ${name} ${formOf(engine)}`, () =>
      withTower(engine, given, false, async (weights, vision) => {
        const layers = config.num_hidden_layers - 1;
        const got = await gradientsOf(
          engine,
          given,
          weights,
          vision,
          (tape) => visionStates(tape, config, weights, vision, layers).at(-1)!,
          goldenTensor(inputs, "cotangent").data,
        );
        const last = `vision_model.encoder.layers.${layers}.self_attn.k_proj.bias`;
        assertGradients(given, "penultimate", got, [...json.zero_gradients.penultimate, last]);
      }));

    Deno.test(`the vision tower gives the golden gradients of the features of ${name} ${formOf(engine)}`, () =>
      withTower(engine, given, false, async (weights, vision) => {
        const got = await gradientsOf(
          engine,
          given,
          weights,
          vision,
          (tape) => {
            const last = visionStates(tape, config, weights, vision).at(-1)!;
            const pooled = visionPooled(tape, config, weights, vision, last);
            return visionProjection(tape, weights, pooled);
          },
          goldenTensor(inputs, "embeds_cotangent").data,
        );
        assertGradients(given, "embeds", got, []);
      }));
  }

  Deno.test(`pictures of another size are refused ${formOf(engine)}`, () => {
    const { config } = readCase("gelu");
    const vision = createVisionInputs(engine, config, 2);
    assert.throws(() => writePixels(engine, config, vision, new Float32Array(3)), {
      name: "RangeError",
      message: "Cannot write pictures: 3 numbers are not 2400",
    });
    destroyVisionInputs(engine, vision);
  });
}

Deno.test("patches are unfolded as the convolution reads them, and folded back", () => {
  const { config } = readCase("gelu");
  const { image_size: size, patch_size: p } = config;
  const pixels = Float32Array.from({ length: 2 * 3 * size * size }, (_, i) => i);
  const patches = unfoldPatches(config, pixels);
  // Row: picture 1, patch in row 2 and column 3; column: channel 1, pixel in row 2 and column 1.
  const side = size / p;
  const row = (1 * side + 2) * side + 3;
  const column = (1 * p + 2) * p + 1;
  const pixel = ((1 * 3 + 1) * size + 2 * p + 2) * size + 3 * p + 1;
  assert.equal(patches[row * 3 * p * p + column], pixel);
  assert.deepEqual(foldPatches(config, patches), pixels);
});
