import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid, recordName } from "./grid.ts";
import { lostTeachers } from "./lost_teachers.ts";

const [baseline] = tinyStudy().arms;
const stages = ["projector", "projector+lora"];
const study = tinyStudy({
  arms: [
    { ...baseline, stages },
    { ...baseline, name: "taught", stages, rounds: { count: 2, xi: 0.5 } },
  ],
  seeds: 1,
  controls: ["majority"],
});
const runs = expandGrid(study);
const rounds = runs.filter(({ arm }) => arm === "taught");

const CASES: [what: string, finished: number[], weights: number[], lost: number[]][] = [
  ["nothing is finished", [], [], []],
  ["all rounds are finished", [0, 1, 2], [], []],
  ["the teacher has its weights", [0, 1], [1], []],
  ["the teacher has none, its own has", [0, 1], [0], [1]],
  ["no round has any", [0, 1], [], [1, 0]],
  ["the first round alone is finished", [0], [], [0]],
];

for (const [what, finished, weights, lost] of CASES) {
  Deno.test(`${what}: lost are the teachers that an open round needs`, async () => {
    await inTempFolder(async (out) => {
      for (const round of weights) {
        for (const stage of stages) {
          const folder = join(out, "weights", recordName(rounds[round], stage, stages.length));
          await Deno.mkdir(folder, { recursive: true });
          await Deno.writeTextFile(join(folder, "projector.safetensors"), "");
        }
      }
      const done = new Set([runs[0], ...finished.map((round) => rounds[round])]);
      assert.deepEqual(await lostTeachers(out, runs, done), lost.map((round) => rounds[round]));
    });
  });
}

Deno.test("a teacher that lacks the weights of one stage is lost", async () => {
  await inTempFolder(async (out) => {
    const folder = join(out, "weights", recordName(rounds[0], stages[0], stages.length));
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "projector.safetensors"), "");
    assert.deepEqual(await lostTeachers(out, runs, new Set([rounds[0]])), [rounds[0]]);
  });
});
