import assert from "node:assert/strict";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { studyRecord, type StudyRecordInput } from "./run_record.ts";

Deno.test("a study's record plans every stage, and its majority learns from train alone, of all folds", () => {
  const [arm] = tinyStudy().arms;
  const study = tinyStudy({
    arms: [{ ...arm, stages: ["projector", "projector+lora"], rounds: { count: 1, xi: 0.5 } }],
    folds: { count: 2, by: "image", seed: 1 },
    seeds: 1,
    controls: ["majority"],
  });
  const asked = (...answers: string[]) => ({
    questions: answers.map((truth) => [{ text: "what?", truth, type: "t" }]),
  });
  // Fold 0: train says red, test is all blue. Fold 1: both say red.
  const folds = [
    { train: asked("red", "red", "blue"), test: asked("blue", "blue", "blue") },
    { train: asked("red"), test: asked("red") },
  ];
  const named = { name: "some", contentHash: "0", source: "", train: [], validation: [], test: [] };
  const { majority, planned } = studyRecord({
    ...{ study, dataset: named, encoder: named, language: named, command: "" },
    runs: expandGrid(study),
    dataOf: ({ fold }: { fold: number }) => ({ ...folds[fold], tokenizer: { vocabularySize: 9 } }),
  } as unknown as StudyRecordInput);
  assert.deepEqual(majority.byType, { t: { accuracy: 0.25, n: 4 } });
  assert.deepEqual(
    planned!.map(({ fold, round = 0, stage }) => `${fold} ${round} ${stage}`),
    [0, 1].flatMap((fold) =>
      [0, 1].flatMap((round) =>
        ["projector", "projector+lora"].map((stage) => `${fold} ${round} ${stage}`)
      )
    ),
  );
});
