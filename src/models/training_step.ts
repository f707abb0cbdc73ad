/** The training step of the multimodal model: forward, backward, clipping and AdamW as one program. */
import type { Command } from "../gpu/command.ts";
import { type StepNumbers, writeStep } from "../gpu/engine.ts";
import { compileProgram, type Program } from "../gpu/program.ts";
import { type Moments, type ParameterGroup, traceAdamW } from "../nn/adamw.ts";
import { createLossRing } from "../nn/loss_ring.ts";
import type { Parameter } from "../nn/parameters.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { createTape } from "../tensor/tape.ts";
import type { MultimodalModel } from "./multimodal.ts";
import {
  answerRows,
  traceDecoder,
  traceObjective,
  tracePredictions,
  traceProjection,
  traceTokenLoss,
} from "./multimodal_trace.ts";

/** Settings of the optimiser. */
export interface OptimizerConfig {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Largest global norm of the gradient of P1, decoder and adapters, and of P2; 0 for none. */
  clip: number;
}

/** Losses of one step, as read back. */
export interface StepLosses {
  tokenLoss: number;
  /** L_cos before lambda; null where the objective has none. */
  cosineLoss: number | null;
  /** Norm of the gradient of P1, decoder and adapters before clipping. */
  gradientNorm: number;
}

/** A recorded training step. */
export interface TrainingStep {
  program: Program;
  /** Dispatches of the program. */
  commands: readonly Command[];
  moments: Map<string, Moments>;
  /** Runs one step on the batch that was written; does not wait. */
  run(step: number, numbers: Omit<StepNumbers, "slot" | "number" | "seed">): void;
  /**
   * Losses of the steps since the last reading, oldest first. Waits for the queue. To be called at
   * least every `READ_EVERY` steps.
   */
  readLosses(): Promise<StepLosses[]>;
  /** Frees the program's memory and the moments. */
  destroy(): void;
}

/**
 * Traces and compiles the training step: forward, backward, clipping, AdamW.
 *
 * @param teacher Whose predictions are learnt with weight xi, beside the answers with 1 - xi; the
 * losses that are read back are those of the answers.
 */
export function compileTrainingStep(
  model: MultimodalModel,
  optimizer: OptimizerConfig,
  teacher?: { model: MultimodalModel; xi: number },
): TrainingStep {
  const { engine, config } = model;
  const tape = createTape(engine);
  const ring = createLossRing(engine.device);
  const z = traceProjection(tape, model);
  const cosine = traceObjective(tape, model, z);
  if (cosine) rowTotal(tape, cosine, ring.buffer, 1, 1 / cosine.rows);
  const { output } = traceDecoder(tape, model, z, {
    dropout: config.lora?.dropout,
    asked: answerRows(model),
  });
  const taught = teacher &&
    { logits: tracePredictions(tape, teacher.model), xi: teacher.xi };
  rowTotal(tape, traceTokenLoss(tape, model, output, taught), ring.buffer, 0, "token");
  tape.backward();
  const { beta1, beta2, eps, weightDecay, clip } = optimizer;
  const group = (parameters: Parameter[], index: 0 | 1): ParameterGroup => ({
    parameters,
    settings: { beta1, beta2, eps, weightDecay },
    optimizerGroup: index,
    clipGroup: index,
    clip,
  });
  const answering = [...model.connector, ...model.decoder, ...model.lora?.parameters ?? []];
  // P2 is clipped by its own norm, or a large P2 gradient would shrink the steps of P1.
  const groups = [group(answering, 0), group(model.objective, 1)];
  const optimizerMemory = traceAdamW(tape, groups, ring.buffer);
  const program = compileProgram(engine, tape.commands);
  return {
    program,
    commands: tape.commands,
    moments: optimizerMemory.moments,
    run(step, numbers) {
      writeStep(engine, { ...numbers, slot: ring.take(step), number: step, seed: config.seed });
      program.run();
    },
    async readLosses() {
      return (await ring.read()).map(([tokenLoss, cosineValue, gradientNorm]) => ({
        tokenLoss,
        cosineLoss: cosine ? cosineValue : null,
        gradientNorm,
      }));
    },
    destroy() {
      program.destroy();
      optimizerMemory.destroy();
      ring.destroy();
    },
  };
}
