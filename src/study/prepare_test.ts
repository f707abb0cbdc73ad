import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { encodeStudy, loadStudyData, loadStudyEncoder, outlineStudy } from "./prepare.ts";

const study = tinyStudy();

Deno.test("an outline knows sizes and questions, and encodes no picture", async () => {
  const outline = await outlineStudy(study, await loadStudyData(study, {}), "unused");
  assert.deepEqual([outline.tokens, outline.width], [4, 32]);
  assert.equal(outline.train.questions.length, 12);
  assert.equal(outline.train.features.length, 0);
});

Deno.test("encoding adds the features of every split and tells how far it is", async () => {
  const cacheDir = await Deno.makeTempDir();
  try {
    const dataset = await loadStudyData(study, {});
    const encoder = await loadStudyEncoder(study, cacheDir);
    const outline = await outlineStudy(study, dataset, cacheDir);
    const told: number[][] = [];
    const encode = () =>
      encodeStudy(encoder, dataset, outline, {
        cacheDir,
        onProgress: (_, done, total) => told.push([done, total]),
      });
    const data = await encode();
    assert.deepEqual(
      [data.train, data.validation, data.test].map(({ features }) => features.length / 128),
      [12, 4, 6],
    );
    assert.deepEqual(told, [[12, 22], [16, 22], [22, 22]]);
    assert.deepEqual(await encode(), data, "the cache gives the same");
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("what the progress callback throws ends the encoding", async () => {
  const cacheDir = await Deno.makeTempDir();
  try {
    const dataset = await loadStudyData(study, {});
    const encoder = await loadStudyEncoder(study, cacheDir);
    const stop = () => {
      throw new Error("stop");
    };
    await assert.rejects(
      encodeStudy(encoder, dataset, await outlineStudy(study, dataset, cacheDir), {
        cacheDir,
        onProgress: stop,
      }),
      /stop/,
    );
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("a split without a question is refused by the data set's name", async () => {
  const empty = { ...study, data: { ...study.data, name: "easy-shapes", testImages: 0 } };
  await assert.rejects(
    loadStudyData(empty, {}),
    /^RangeError: Cannot use data set "easy-shapes": its test split has no questions$/,
  );
});
