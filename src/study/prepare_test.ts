import assert from "node:assert/strict";
import type { RunRole } from "../records/record.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { foldData } from "../training/folds.ts";
import {
  dataByRun,
  encodeStudy,
  loadStudyData,
  loadStudyEncoder,
  outlineStudy,
} from "./prepare.ts";

const study = tinyStudy();

Deno.test("an outline knows sizes and questions, and encodes no picture", async () => {
  const outline = await outlineStudy(study, await loadStudyData(study, {}), "unused");
  assert.deepEqual([outline.tokens, outline.width], [4, 32]);
  assert.equal(outline.train.questions.length, 12);
  assert.equal(outline.train.features.length, 0);
});

Deno.test("encoding adds the features of every split and tells how far it is", async () => {
  await inTempFolder(async (cacheDir) => {
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
  });
});

Deno.test("what the progress callback throws ends the encoding", async () => {
  await inTempFolder(async (cacheDir) => {
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
  });
});

Deno.test("a run gets its fold, and the control with a random encoder that encoder's features", async () => {
  const outline = await outlineStudy(study, await loadStudyData(study, {}), "unused");
  const random = { ...outline, train: { ...outline.train } };
  const settings = (role: RunRole, fold: number) => ({ role, fold });
  const whole = dataByRun(study, { encoder: outline, random });
  assert.equal(whole(settings("arm", 0)), outline);
  assert.equal(whole(settings("random-llm", 0)), outline);
  assert.equal(whole(settings("random-encoder", 0)), random);
  const folds = { count: 2, by: "image" as const, seed: 1 };
  const folded = dataByRun({ ...study, folds }, { encoder: outline, random });
  const [first, second] = [0, 1].map((fold) => folded(settings("arm", fold)));
  assert.deepEqual(first, foldData(outline, folds, 0));
  assert.deepEqual(second, foldData(outline, folds, 1));
  // Runs share what they can, and controls see the same fold.
  assert.equal(folded(settings("question-only", 0)), first);
  const control = folded(settings("random-encoder", 0));
  assert.notEqual(control, first);
  assert.deepEqual(control.test.questions, first.test.questions);
});

Deno.test("the words of the validation set are known where it is folded in", async () => {
  const dataset = await loadStudyData(study, {});
  const [example] = dataset.validation;
  const odd = {
    ...example.questions[0],
    id: "odd",
    answer: "quite another answer than all others",
  };
  const changed = { ...dataset, validation: [{ ...example, questions: [odd] }] };
  const folded = { ...study, folds: { count: 2, by: "image" as const, seed: 1 } };
  const [plain, wide] = await Promise.all(
    [study, folded].map((study) => outlineStudy(study, changed, "unused")),
  );
  assert.ok(wide.longestAnswer > plain.longestAnswer);
  assert.ok(wide.tokenizer.vocabularySize > plain.tokenizer.vocabularySize);
});

Deno.test("a split without a question is refused by the data set's name", async () => {
  const empty = { ...study, data: { ...study.data, name: "easy-shapes", testImages: 0 } };
  await assert.rejects(
    loadStudyData(empty, {}),
    /^RangeError: Cannot use data set "easy-shapes": its test split has no questions$/,
  );
});
