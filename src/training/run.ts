/** One run: train a model stage by stage, question it, and measure its embeddings. */
import type { Engine } from "../gpu/engine.ts";
import { destroyModel, type ModelWeights, type Module } from "../models/multimodal.ts";
import { compileQuestioner } from "../models/questioner.ts";
import type { RunRecord } from "../records/record.ts";
import { seenBy } from "./controls.ts";
import { testModel } from "./evaluate.ts";
import type { PreparedData } from "./prepared_data.ts";
import { createRunModel } from "./run_model.ts";
import type { RunSettings } from "./settings.ts";
import { thinCurve } from "./thin_curve.ts";
import { type RunHooks, type StageWork, trainStage } from "./train_stage.ts";

/** What one stage of a run measured. */
export type RunOutcome =
  & Pick<
    RunRecord,
    | "stage"
    | "steps"
    | "parameters"
    | "accuracy"
    | "overlap"
    | "losses"
    | "embedding"
    | "geometry"
    | "answers"
    | "weightsSha256"
    | "seconds"
  >
  & {
    /** What it ended with. */
    weights: ModelWeights;
  };

/**
 * Trains one model stage by stage, and tests it after each.
 *
 * A run that finds a checkpoint goes on from it as if it had never stopped; stages before it have
 * been yielded then and are not yielded again.
 *
 * @throws {DivergedError} If a loss stops being a number.
 * @throws {DOMException} `AbortError` when the signal fires.
 */
export async function* run(
  engine: Engine,
  settings: RunSettings,
  prepared: PreparedData,
  hooks: RunHooks = {},
): AsyncGenerator<RunOutcome> {
  const data = seenBy(settings, prepared);
  const found = await hooks.checkpoint?.load() ?? undefined;
  let values: Partial<ModelWeights> = found?.values ?? {};
  for (const [index, stage] of settings.stages.entries()) {
    if (found && index < found.stage) continue;
    const before = found?.stage === index ? found : undefined;
    const first = before ? values : without(values, stage.draw);
    const model = createRunModel(engine, settings, stage, data, first);
    const questioner = compileQuestioner(model);
    try {
      const work = { model, questioner, settings, stage, index, data, hooks, first, before };
      const outcome = await trainAndTest(work);
      yield outcome;
      values = outcome.weights;
    } finally {
      // A run that diverged leaves its memory to the runs behind it.
      questioner.destroy();
      destroyModel(model);
    }
  }
}

/**
 * Tests a model that is trained already.
 *
 * @param values What it was left with.
 */
export async function test(
  engine: Engine,
  settings: RunSettings,
  prepared: PreparedData,
  values: Partial<ModelWeights>,
): Promise<RunOutcome> {
  const data = seenBy(settings, prepared);
  const last = settings.stages.at(-1)!;
  const model = createRunModel(engine, settings, { ...last, train: [] }, data, values);
  const questioner = compileQuestioner(model);
  try {
    const started = performance.now();
    const tested = await testModel(model, questioner, settings, last, data, values);
    return {
      stage: last.name,
      steps: 0,
      ...tested,
      losses: {
        tokenLoss: tested.testTokenLoss,
        cosineLoss: tested.embedding.cosineLoss,
        testTokenLoss: tested.testTokenLoss,
        curve: [],
        validation: [],
      },
      seconds: { train: 0, evaluate: (performance.now() - started) / 1000 },
    };
  } finally {
    questioner.destroy();
    destroyModel(model);
  }
}

/** Values for all but these parts, which are drawn. */
function without(
  values: Partial<ModelWeights>,
  drawn: readonly Module[],
): Partial<ModelWeights> {
  const parts: Record<Module, keyof ModelWeights> = {
    P1: "connector",
    P2: "objective",
    lora: "lora",
    decoder: "decoder",
  };
  const gone = new Set(drawn.map((module) => parts[module]));
  return Object.fromEntries(
    Object.entries(values).filter(([part]) => !gone.has(part as keyof ModelWeights)),
  );
}

async function trainAndTest(work: StageWork): Promise<RunOutcome> {
  const { model, questioner, settings, stage, data, first } = work;
  const started = performance.now();
  const { losses, validation, diagnostics, secondsBefore } = await trainStage(work);
  const trained = performance.now();
  const tested = await testModel(model, questioner, settings, stage, data, first);
  const tail = losses.slice(-Math.max(1, Math.ceil(losses.length / 10)));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    stage: stage.name,
    steps: losses.length,
    ...tested,
    losses: {
      tokenLoss: mean(tail.map(({ tokenLoss }) => tokenLoss)),
      cosineLoss: tail[0].cosineLoss === null
        ? null
        : mean(tail.map(({ cosineLoss }) => cosineLoss!)),
      testTokenLoss: tested.testTokenLoss,
      curve: thinCurve(losses),
      validation,
      diagnostics,
    },
    seconds: {
      train: secondsBefore + (trained - started) / 1000,
      evaluate: (performance.now() - trained) / 1000,
    },
  };
}
