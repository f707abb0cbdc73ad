import assert from "node:assert/strict";
import { createEngine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { expandGrid } from "./grid.ts";
import { quickKernels, studyKernels } from "./kernels.ts";
import { loadStudy } from "./load.ts";
import { loadStudyData, outlineStudy } from "./prepare.ts";

Deno.test("a few pictures lead to the kernels of the whole default study", async () => {
  const engine = createEngine(imaginaryDevice(), defaultPlan("image", true));
  const quick = await loadStudy("quick", ".");
  const data = await outlineStudy(quick, await loadStudyData(quick, {}), "");
  const codes = (kernels: { code: string }[]) => kernels.map(({ code }) => code).sort();
  const all = codes(studyKernels(engine, expandGrid(quick), data));
  assert.deepEqual(codes(await quickKernels(engine)), all);
  assert.ok(all.length > 20);
  assert.equal(engine.cache.size, 0, "nothing is compiled on the engine itself");
});

Deno.test("what measures a fresh P2 is among the kernels of a study that trains no P2", async () => {
  const engine = createEngine(imaginaryDevice(), defaultPlan("image", true));
  const [arm] = tinyStudy().arms;
  const study = tinyStudy({ arms: [{ ...arm, objective: "none", lambda: [0] }] });
  const data = await outlineStudy(study, await loadStudyData(study, {}), "");
  const names = studyKernels(engine, expandGrid(study), data).map(({ template }) => template.name);
  assert.ok(names.includes("cosine_loss"));
});

Deno.test("the kernels of a study with rounds are those of taught students too", async () => {
  const engine = createEngine(imaginaryDevice(), defaultPlan("image", true));
  const [arm] = tinyStudy().arms;
  const teachings = async (rounds?: { count: number; xi: number }) => {
    const study = tinyStudy({
      arms: [{ ...arm, rounds, stages: ["all", "adapters"] }],
      stages: [{ name: "adapters", train: ["P1", "lora"], draw: [], training: {} }],
    });
    const data = await outlineStudy(study, await loadStudyData(study, {}), "");
    const losses = studyKernels(engine, expandGrid(study), data)
      .filter(({ template }) => template.name === "cross_entropy");
    return new Set(losses.map(({ constants }) => constants.TAUGHT ?? 0));
  };
  assert.deepEqual(await teachings(), new Set([0]));
  assert.deepEqual(await teachings({ count: 2, xi: 0.5 }), new Set([0, 1]));
});
