/** The training step of a CLIP pair: forward, contrastive loss, backward, clipping and AdamW. */
import type { Command } from "../gpu/command.ts";
import { type StepNumbers, writeStep } from "../gpu/engine.ts";
import { compileProgram, type Program } from "../gpu/program.ts";
import { type AdamWSettings, type Moments, type ParameterGroup, traceAdamW } from "../nn/adamw.ts";
import { limitParameter } from "../nn/limit.ts";
import { createLossRing } from "../nn/loss_ring.ts";
import { add } from "../tensor/elementwise.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { createTape } from "../tensor/tape.ts";
import { type ClipPair, traceFeatures } from "./clip_pair.ts";
import { LOGIT_SCALE } from "./clip_weights.ts";
import { contrastiveLoss, contrastiveScale } from "./contrastive.ts";
import { uploadIndices } from "./index_arrays.ts";

/** Most that logits are scaled by, section 2.5 of arXiv 2103.00020. */
const LARGEST_SCALE = 100;

/** Settings of the optimiser; biases, gains, class token and the logits' scale do not decay. */
export interface ContrastiveOptimizer extends AdamWSettings {
  /** Largest norm of the gradient of each tower; 0 for none. */
  clip: number;
}

/** Numbers of one step, as read back; all of before its update. */
export interface ContrastiveLosses {
  /** Mean cross-entropy of finding a picture's caption and of finding a caption's picture, nats. */
  loss: number;
  /** Logarithm of what logits are scaled by. */
  logitScale: number;
  /** Norm of the gradient of the vision tower and the logits' scale before clipping. */
  gradientNorm: number;
  /** Norm of the text tower's gradient before clipping. */
  textGradientNorm: number;
}

/** A recorded contrastive step. */
export interface ContrastiveStep {
  program: Program;
  /** Dispatches of the program. */
  commands: readonly Command[];
  moments: Map<string, Moments>;
  /**
   * Runs one step on the batch that was written; does not wait. Of the learning rates and corrections
   * the first is that of the vision tower and the logits' scale, the second the text tower's.
   */
  run(
    step: number,
    numbers: Pick<StepNumbers, "learningRate" | "correction1" | "correction2">,
  ): void;
  /**
   * Numbers of the steps since the last reading, oldest first. Waits for the queue. To be called at
   * least every `READ_EVERY` steps.
   */
  readLosses(): Promise<ContrastiveLosses[]>;
  /** Frees the program's memory and the moments. */
  destroy(): void;
}

/** Traces and compiles the step. Behind the update the logits' scale is held at 100 or below. */
export function compileContrastiveStep(
  pair: ClipPair,
  { clip, ...settings }: ContrastiveOptimizer,
): ContrastiveStep {
  const { engine, batch, parameters } = pair;
  const ring = createLossRing(engine.device);
  const labels = uploadIndices(
    engine.device,
    Int32Array.from({ length: batch }, (_, i) => i),
    "pair labels",
  );
  const tape = createTape(engine);
  const { images, texts } = traceFeatures(tape, pair);
  const logitScale = parameters.find(({ name }) => name === LOGIT_SCALE)!;
  const loss = contrastiveLoss(tape, images, texts, logitScale.tensor, labels);
  const both = add(tape, loss.perImage, loss.perText);
  rowTotal(tape, both, ring.buffer, 0, contrastiveScale(batch));
  rowTotal(tape, logitScale.tensor, ring.buffer, 1, 1);
  tape.backward();
  // Each tower is clipped by its own norm: a text tower that is held back must not hold the other.
  const groups = ([0, 1] as const).map((index): ParameterGroup => ({
    parameters: parameters.filter(({ name }) => Number(name.startsWith("text_")) === index),
    settings,
    optimizerGroup: index,
    clipGroup: index,
    clip,
  }));
  const optimizerMemory = traceAdamW(tape, groups, ring.buffer);
  limitParameter(tape, logitScale, Math.log(LARGEST_SCALE));
  const program = compileProgram(engine, tape.commands);
  return {
    program,
    commands: tape.commands,
    moments: optimizerMemory.moments,
    run(step, numbers) {
      writeStep(engine, {
        ...numbers,
        tokenScale: contrastiveScale(batch),
        slot: ring.take(step),
      });
      program.run();
    },
    async readLosses() {
      return (await ring.read()).map(([loss, logitScale, gradientNorm, textGradientNorm]) => (
        { loss, logitScale, gradientNorm, textGradientNorm }
      ));
    },
    destroy() {
      program.destroy();
      optimizerMemory.destroy();
      ring.destroy();
      labels.destroy();
    },
  };
}
