/** The reference of CLIP's towers against the golden values of another program. */
import assert from "node:assert/strict";
import { goldenFloat64, goldenTensor, listGolden, readGolden } from "../testing/golden.ts";
import { assertClose, FLOAT64 } from "../testing/tolerance.ts";
import { clipImageFeature, clipVisionStates } from "./clip.ts";

const CASES = listGolden("clip_vision").filter((name) => !name.startsWith("contrastive"));
assert.ok(CASES.length > 0);

for (const name of CASES) {
  Deno.test(`the reference gives the golden states and features of ${name}`, () => {
    const topic = `clip_vision/${name}`;
    const { json: config } = readGolden(topic, "config");
    const model = readGolden(topic, "model");
    const expected = readGolden(topic, "expected");
    const pixels = goldenTensor(readGolden(topic, "inputs"), "pixel_values");
    const [batch, ...picture] = pixels.shape;
    const tensors = (name: string) => goldenFloat64(model, name);
    const size = picture.reduce((a, b) => a * b);
    const states = Array.from(
      { length: batch },
      (_, b) => clipVisionStates(pixels.data.subarray(b * size, (b + 1) * size), tensors, config),
    );
    for (let layer = 0; layer <= config.num_hidden_layers; layer++) {
      const got = states.flatMap((of) => [...of[layer]]);
      const key = `hidden_states.${layer}`;
      assertClose(got, goldenFloat64(expected, key), FLOAT64, key);
    }
    const features = states.flatMap((of) => [...clipImageFeature(of.at(-1)!, tensors, config)]);
    assertClose(features, goldenFloat64(expected, "image_embeds"), FLOAT64, "image_embeds");
  });
}
