/** Compiles the programs of a study's arms, and prints what that took as JSON. */
import { imageTokens, packBatch } from "../../src/data/packing.ts";
import { openGpu } from "../../src/gpu/adapter.ts";
import { cachePart } from "../../src/gpu/cache.ts";
import { createEngine } from "../../src/gpu/engine.ts";
import { writeBatch } from "../../src/models/multimodal.ts";
import { compileQuestioner } from "../../src/models/questioner.ts";
import { compileTrainingStep } from "../../src/models/training_step.ts";
import { expandGrid } from "../../src/study/grid.ts";
import { loadStudy } from "../../src/study/load.ts";
import { loadStudyData, outlineStudy } from "../../src/study/prepare.ts";
import { createRunModel } from "../../src/training/run_model.ts";
import { chosenPlan } from "../plans.ts";
import type { CompileTiming } from "./compile.ts";

const study = await loadStudy(Deno.args[0], Deno.cwd());
const data = await outlineStudy(study, await loadStudyData(study, {}), cachePart("features"));
const gpu = await openGpu({ quiet: true });
const engine = createEngine(gpu.device, chosenPlan(gpu));

/** Time of a call and of what it put into the queue. */
async function timed(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  await gpu.device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

// Each arm once: seeds share its programs. Pipelines are shared between arms, as in a study.
const arms = expandGrid(study).filter(({ role, seed }) => role === "arm" && seed === 1);
const timings: CompileTiming[] = [];
for (const settings of arms) {
  const [stage] = settings.stages;
  const model = createRunModel(engine, settings, stage, data);
  const { layout, visionWidth } = model.config;
  const packed = packBatch([], layout);
  writeBatch(model, new Float32Array(layout.batch * imageTokens(layout) * visionWidth), packed);
  let step: ReturnType<typeof compileTrainingStep> | undefined;
  let questioner: ReturnType<typeof compileQuestioner> | undefined;
  const programs: { program: string; create(): void; run(): unknown }[] = [{
    program: "training step",
    create: () => step = compileTrainingStep(model, stage.training),
    run: () => step!.run(0, { lambda: settings.lambda, learningRate: [0, 0], tokenScale: 1 }),
  }, {
    program: "questions",
    create: () => questioner = compileQuestioner(model),
    run: async () => {
      await questioner!.ask(packed, 2);
      await questioner!.project();
    },
  }];
  for (const { program, create, run } of programs) {
    const created = await timed(create);
    const first = await timed(run);
    const second = await timed(run);
    timings.push({ arm: settings.arm, program, created, first, second });
  }
}
console.log(JSON.stringify(timings));
Deno.exit();
