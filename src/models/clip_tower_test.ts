/** A frozen tower as a program, against the golden states. */
import assert from "node:assert/strict";
import { assertSelfTest, selfTest } from "../self_test/self_test.ts";
import {
  goldenFloat64,
  goldenFolder,
  goldenTensor,
  goldenTolerance,
  readGolden,
} from "../testing/golden.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { parseClipVisionConfig } from "./clip_config.ts";
import { clipTowerKernels, createClipTower } from "./clip_tower.ts";
import { clipVisionParts, packClip } from "./clip_weights.ts";
import { parseSafetensors } from "./safetensors.ts";

for (const engine of await testEngines()) {
  Deno.test(`a frozen tower gives the golden state of a layer, a few pictures at a time ${formOf(engine)}`, async () => {
    const topic = "clip_vision/gelu";
    const config = parseClipVisionConfig(readGolden(topic, "config").json);
    const { json } = readGolden(topic, "case");
    const expected = readGolden(topic, "expected");
    const model = Deno.readFileSync(`${goldenFolder()}/${topic}/model.safetensors`);
    const pixels = goldenTensor(readGolden(topic, "inputs"), "pixel_values").data as Float32Array;
    const layers = config.num_hidden_layers - 1;
    const parts = clipVisionParts(config, { layers, head: false });
    const weights = packClip(parts, parseSafetensors(model));
    assert.ok([...weights.keys()].every((name) => !/layers\.1|post_layer|projection/.test(name)));
    const before = engine.memory.bytes;
    const options = { config, weights, layers, batch: 2 };
    const kernels = clipTowerKernels(engine, options);
    assert.ok(kernels.length > 5);
    assertSelfTest(await selfTest(engine, kernels));
    assert.equal(engine.memory.bytes, before);
    const tower = createClipTower(engine, options);
    // Three pictures: a full batch, and one alone.
    const cut = 2 * pixels.length / 3;
    const states = [
      ...await tower.encode(pixels.subarray(0, cut)),
      ...await tower.encode(pixels.subarray(cut)),
    ];
    const wanted = goldenFloat64(expected, `hidden_states.${layers}`);
    assertClose(states, wanted, goldenTolerance(json, "hidden_states"), "states");
    tower.destroy();
    assert.equal(engine.memory.bytes, before);
  });
}
