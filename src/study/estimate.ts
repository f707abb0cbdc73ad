/** What a study will cost, before it runs: traced without a device, timed by one matrix product. */
import { createEngine, type Engine } from "../gpu/engine.ts";
import { imaginaryDevice } from "../gpu/imaginary_device.ts";
import { writeMatrix } from "../gpu/memory.ts";
import type { KernelPlan } from "../gpu/plan.ts";
import { compileProgram } from "../gpu/program.ts";
import { freeTensor, ownTensor } from "../gpu/tensor.ts";
import { emptyCheckpoint } from "../models/llama_weights.ts";
import { compileQuestioner } from "../models/questioner.ts";
import { matmulNT } from "../tensor/matmul.ts";
import { createTape } from "../tensor/tape.ts";
import { evaluationBatches, stageSteps } from "../training/batches.ts";
import { imagineStep, programKey } from "../training/imagined_programs.ts";
import type { PreparedData, PreparedSplit } from "../training/prepared_data.ts";
import { createRunModel } from "../training/run_model.ts";
import type { RunSettings, StageSettings } from "../training/settings.ts";

/** Cost of runs. */
export interface Estimate {
  /** Wall time of all of them, seconds. */
  seconds: number;
  /** Device memory of the largest, bytes. */
  bytes: number;
}

/** Speed of an adapter. */
export interface Speed {
  /** Floating-point operations a second of a matrix product of middling size. */
  flops: number;
  /** Where the number comes from. */
  source: "measured" | "assumed";
}

/** What an estimate rests on. */
interface Basis {
  data: PreparedData;
  plan: KernelPlan;
  speed: Speed;
}

/** When no adapter can be asked: what a software adapter on two cores gives. */
export const ASSUMED_SPEED: Speed = { flops: 20e9, source: "assumed" };

/** A step's other kernels make it take this many times the time of its products alone (measured on lavapipe). */
const STEP_OVER_PRODUCTS = 1.6;
/** Seconds a dispatch costs beside its work (lavapipe: 45 to 155 microseconds). */
const DISPATCH_SECONDS = 8e-5;
/** Evaluation runs the forward pass, about a third of a step. */
const FORWARD_SHARE = 1 / 3;

/** Measures the adapter's speed by a few products (1024 x 256) (256 x 256). */
export async function measureSpeed(engine: Engine): Promise<Speed> {
  const a = ownTensor(engine, "a", { rows: 1024, columns: 256 });
  const b = ownTensor(engine, "b", { rows: 256, columns: 256 });
  for (const { matrix } of [a, b]) {
    writeMatrix(engine.device, matrix!, new Float32Array(matrix!.rows * matrix!.columns).fill(0.5));
  }
  const tape = createTape(engine);
  for (let i = 0; i < 8; i++) matmulNT(tape, a, b);
  const program = compileProgram(engine, tape.commands);
  const times: number[] = [];
  // The first round compiles.
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    program.run();
    await engine.device.queue.onSubmittedWorkDone();
    times.push(performance.now() - start);
  }
  program.destroy();
  for (const tensor of [a, b]) freeTensor(engine, tensor);
  return { flops: program.flops / (Math.min(...times) / 1000), source: "measured" };
}

/** Cost of a grid of runs at a speed. */
export function estimateStudy(
  runs: readonly RunSettings[],
  data: PreparedData,
  plan: KernelPlan,
  speed: Speed,
): Estimate {
  const costOf = runCosts(data, plan, speed);
  return {
    seconds: runs.reduce((sum, settings) => sum + costOf(settings).seconds, 0),
    bytes: Math.max(0, ...runs.map((settings) => costOf(settings).bytes)),
  };
}

/** Cost of each run at a speed; runs that cost the same are traced once. */
export function runCosts(
  data: PreparedData,
  plan: KernelPlan,
  speed: Speed,
): (settings: RunSettings) => Estimate {
  const costs = new Map<string, Estimate>();
  return (settings) => {
    const { stages } = settings;
    const key = JSON.stringify(stages.map((stage) => programKey(settings, stage)));
    if (!costs.has(key)) {
      const each = stages.map((stage) => estimateStage(settings, stage, { data, plan, speed }));
      costs.set(key, {
        seconds: each.reduce((sum, { seconds }) => sum + seconds, 0),
        bytes: Math.max(...each.map(({ bytes }) => bytes)),
      });
    }
    return costs.get(key)!;
  };
}

/** Cost of testing a run that is trained already, after its last stage. */
export function estimateTest(
  settings: RunSettings,
  data: PreparedData,
  plan: KernelPlan,
  speed: Speed,
): Estimate {
  const stage = settings.stages.at(-1)!;
  const engine = createEngine(imaginaryDevice(), plan);
  const decoder = emptyCheckpoint(data.decoder.config);
  compileQuestioner(createRunModel(engine, settings, { ...stage, train: [] }, data, { decoder }));
  const step = estimateStep(settings, stage, { data, plan, speed });
  return {
    seconds: step.seconds * FORWARD_SHARE * forwards(data.test, stage),
    bytes: engine.memory.bytes,
  };
}

function estimateStage(settings: RunSettings, stage: StageSettings, basis: Basis): Estimate {
  const { data } = basis;
  const step = estimateStep(settings, stage, basis);
  const steps = stageSteps(data.train, stage.training);
  const { validations, validationImages } = settings.evaluation;
  const asked = forwards(data.test, stage) +
    validations * forwards(data.validation, stage, validationImages);
  return { seconds: step.seconds * (steps + FORWARD_SHARE * asked), bytes: step.bytes };
}

/** Cost of one step of training, with the memory of all of them. */
function estimateStep(
  settings: RunSettings,
  stage: StageSettings,
  { data, plan, speed }: Basis,
): Estimate {
  const engine = createEngine(imaginaryDevice(), plan);
  const { program } = imagineStep(engine, settings, stage, data).step;
  const seconds = program.flops / speed.flops * STEP_OVER_PRODUCTS +
    program.dispatches * DISPATCH_SECONDS;
  return { seconds, bytes: engine.memory.bytes };
}

/** Forward passes that a split's first images are asked in. */
function forwards(split: PreparedSplit, { training }: StageSettings, images?: number): number {
  return evaluationBatches(split, training.batch, training.questions, images).length;
}
