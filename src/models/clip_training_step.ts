/** The training step of a CLIP pair: forward, contrastive loss, backward, clipping and AdamW. */
import {
  type Command,
  compileProgram,
  type Program,
  type StepNumbers,
  writeStep,
} from "../gpu/program.ts";
import { type AdamWSettings, type Moments, traceAdamW } from "../nn/adamw.ts";
import { limitParameter } from "../nn/limit.ts";
import { createLossRing } from "../nn/loss_ring.ts";
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
  /** Largest global norm of the gradient; 0 for none. */
  clip: number;
}

/** Numbers of one step, as read back; all of before its update. */
export interface ContrastiveLosses {
  /** (imageLoss + textLoss) / 2. */
  loss: number;
  /** Mean cross-entropy of finding a picture's caption, nats. */
  imageLoss: number;
  /** Mean cross-entropy of finding a caption's picture, nats. */
  textLoss: number;
  /** Norm of the gradient before clipping. */
  gradientNorm: number;
  /** Logarithm of what logits are scaled by. */
  logitScale: number;
}

/** A recorded contrastive step. */
export interface ContrastiveStep {
  program: Program;
  /** Dispatches of the program. */
  commands: readonly Command[];
  moments: Map<string, Moments>;
  /**
   * Runs one step on the batch that was written; does not wait. Learning rate and corrections are
   * those of optimiser group 0.
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
  rowTotal(tape, loss.perImage, ring.buffer, 0, 1 / batch);
  rowTotal(tape, loss.perText, ring.buffer, 1, 1 / batch);
  // The gradient's norm goes to place 2.
  rowTotal(tape, logitScale.tensor, ring.buffer, 3, 1);
  tape.backward();
  const group = { parameters, settings, optimizerGroup: 0, clipGroup: 0, clip } as const;
  const optimizerMemory = traceAdamW(tape, [group], ring.buffer);
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
      return (await ring.read()).map(([imageLoss, textLoss, gradientNorm, logitScale]) => {
        const loss = (imageLoss + textLoss) / 2;
        return { loss, imageLoss, textLoss, gradientNorm, logitScale };
      });
    },
    destroy() {
      program.destroy();
      optimizerMemory.destroy();
      ring.destroy();
      labels.destroy();
    },
  };
}
