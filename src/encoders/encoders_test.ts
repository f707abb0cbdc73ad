import assert from "node:assert/strict";
import { inTempFolder } from "../testing/temp_folder.ts";
import { loadEncoder } from "./encoders.ts";

Deno.test("patches is known by name, with sizes to choose", async () => {
  const plain = await loadEncoder("patches", { cacheDir: "unused" });
  assert.deepEqual([plain.name, plain.tokens, plain.width], ["patches", 16, 192]);
  const chosen = await loadEncoder("patches", {
    imageSize: 75,
    patch: 15,
    width: 30,
    cacheDir: "unused",
  });
  assert.deepEqual([chosen.tokens, chosen.width], [25, 30]);
  const narrow = await loadEncoder("patches", { imageSize: 8, patch: 4, cacheDir: "unused" });
  assert.deepEqual([narrow.tokens, narrow.width], [4, 48]);
});

Deno.test("an unknown name is refused with what is accepted", async () => {
  for (const name of ["patchs", "a/b/c", "../models", ""]) {
    await assert.rejects(loadEncoder(name, { cacheDir: "unused" }), (error: Error) => {
      assert.equal(error.name, "RangeError");
      assert.match(
        error.message,
        /^Unknown encoder ".*"; there are embedded, patches, hog, a folder [^\n]+ by hub name or folder$/,
      );
      assert.ok(error.message.includes(`"${name}"`));
      return true;
    });
  }
});

Deno.test("a folder that holds no model is refused before anything is fetched", async () => {
  await inTempFolder(async (dir) => {
    await assert.rejects(loadEncoder(dir, { cacheDir: "unused" }), {
      name: "RangeError",
      message: /has no "config.json"$/,
    });
  });
});

Deno.test("a layer or random weights are refused where there are none", async () => {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.json`, '{"model_type": "vit"}');
    const refusals: [string, RegExp][] = [
      ["patches", /encoder "patches": it has no layers$/],
      ["hog", /encoder "hog": it has no layers$/],
      ["features:nowhere", /encoder "features:nowhere": its features are as they are$/],
      [
        "owner/model",
        /encoder "owner.model": a model of transformers.js gives its last layer only$/,
      ],
      [folder, /: a model of transformers.js gives its last layer only$/],
    ];
    for (const layer of [-1, -2, 0]) {
      for (const [name, message] of refusals) {
        await assert.rejects(loadEncoder(name, { layer, cacheDir: "unused" }), (error: Error) => {
          assert.equal(error.name, "RangeError");
          assert.ok(error.message.startsWith(`Cannot take layer ${layer} of `));
          assert.match(error.message, message);
          return true;
        });
      }
    }
    for (const [name] of refusals) {
      await assert.rejects(loadEncoder(name, { randomSeed: 1, cacheDir: "unused" }), {
        name: "RangeError",
        message: /^Cannot draw random weights for encoder ".*": only CLIP checkpoints are/,
      });
    }
  });
});
