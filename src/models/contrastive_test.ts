/** The contrastive loss against the golden values, on both operand forms. */
import assert from "node:assert/strict";
import { takeColumns } from "../reference/heads.ts";
import {
  type Golden,
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { formOf, runOnce, testEngines, upload } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { contrastiveLoss, contrastiveScale } from "./contrastive.ts";
import { uploadIndices } from "./index_arrays.ts";

const CASES = listGolden("clip_vision").filter((name) => name.startsWith("contrastive"));
assert.deepEqual(CASES, ["contrastive", "contrastive_sharp"]);

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value) / values.length;

for (const engine of await testEngines()) {
  for (const name of CASES) {
    const golden = readGolden("clip_vision", name);
    const { json } = golden;

    Deno.test(`golden values of ${name} ${formOf(engine)}`, async () => {
      const tensor = (golden: Golden, key: string) => {
        const { shape, data } = goldenTensor(golden, key);
        const [rows, columns] = shape.length === 2 ? shape : [1, 1];
        return upload(engine, key, { rows, columns }, data);
      };
      const [images, texts, scale] = ["image_embeds", "text_embeds", "logit_scale"]
        .map((key) => tensor(golden, key));
      const labels = uploadIndices(
        engine.device,
        Int32Array.from({ length: json.n }, (_, i) => i),
        "labels",
      );
      const { perImage, perText, logitsPerImage, ...gradients } = await runOnce(engine, (tape) => {
        const loss = contrastiveLoss(tape, images, texts, scale, labels);
        tape.backward();
        return {
          ...loss,
          "grad.image_embeds": tape.gradientOf(images),
          "grad.text_embeds": tape.gradientOf(texts),
          "grad.logit_scale": tape.gradientOf(scale),
        };
      }, { tokenScale: contrastiveScale(json.n) });
      const [image, text] = [perImage, perText].map((rows) => mean(takeColumns(rows, 4, 0, 1)));
      const got: Record<string, ArrayLike<number>> = {
        loss: [(image + text) / 2],
        loss_per_image: [image],
        loss_per_text: [text],
        logits_per_image: logitsPerImage,
        ...gradients,
      };
      const inputs = ["image_embeds", "text_embeds", "logit_scale"];
      assert.deepEqual(
        Object.keys(got).sort(),
        [...golden.tensors.keys()].filter((key) => !inputs.includes(key)).sort(),
      );
      for (const [key, values] of Object.entries(got)) {
        const tolerance = goldenTolerance(json, /^(loss|logits|grad)/.exec(key)![1]);
        assertClose(values, goldenFloat64(golden, key), tolerance, key);
      }
    });
  }
}
