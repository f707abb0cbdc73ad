/**
 * The whole training loss: pictures through P1 into the decoder, L = L_TP + lambda L_cos.
 */
import { prefixBlocks } from "./attention.ts";
import { crossEntropy, crossEntropyBackward, meanWeights } from "./cross_entropy.ts";
import { llama, type LlamaConfig } from "./llama.ts";
import type { Weights } from "./lora.ts";
import { type Mlp, mlp, type MlpParameter } from "./mlp.ts";
import { type ObjectiveResult, reconstruction, selfDistillation } from "./objectives.ts";
import type { PackedSequence } from "./packing.ts";
import { add, scale, type Values } from "./values.ts";

/** L_cos of the arms: what is read is x, z = P1(x) and P2. */
export const OBJECTIVES = {
  "baseline": null,
  "cosine-constraint": reconstruction,
  "self-distillation": (_x: Values, z: Values, p2: Mlp) => selfDistillation(z, p2),
} satisfies Record<
  string,
  ((x: Values, z: Values, p2: Mlp) => ObjectiveResult) | null
>;

/** Everything that is trained. */
export interface MultimodalModel {
  p1: Mlp;
  p2: Mlp;
  decoder: Weights;
  config: LlamaConfig;
}

/** Pictures with their packed questions. */
export interface MultimodalBatch {
  /** (pictures, image tokens, encoder width). */
  x: Values;
  /** One a picture. */
  sequences: PackedSequence[];
}

/** The losses and the gradients of their weighted sum. */
export interface MultimodalResult {
  /** tokenLoss + lambda * cosineLoss. */
  loss: number;
  /** L_TP: mean cross-entropy over the answer tokens of the batch, nats. */
  tokenLoss: number;
  /** L_cos over all image tokens of the batch, before lambda; null in the baseline. */
  cosineLoss: number | null;
  gradP1: Record<MlpParameter, Float64Array>;
  /** null in the baseline. */
  gradP2: Record<MlpParameter, Float64Array> | null;
  /** By weight name. */
  gradDecoder: Map<string, Float64Array>;
}

/** One training step's losses and gradients. */
export function multimodal(
  { p1, p2, decoder, config }: MultimodalModel,
  { x, sequences }: MultimodalBatch,
  objective: keyof typeof OBJECTIVES,
  lambda: number,
): MultimodalResult {
  const projected = mlp(x, p1);
  const z = projected.y;
  const imageValues = z.length / sequences.length;

  const allTargets = sequences.flatMap(({ targets }) => [...targets]);
  const weights = meanWeights(allTargets);
  const gradDecoder = new Map<string, Float64Array>();
  let gradZ: Float64Array = new Float64Array(z.length);
  let tokenLoss = 0;
  let rows = 0;
  for (
    const [picture, { ids, positions, segment, targets }] of sequences.entries()
  ) {
    const imageEmbeds = z.subarray(
      picture * imageValues,
      (picture + 1) * imageValues,
    );
    const input = { imageEmbeds, ids, positions, mask: prefixBlocks(segment) };
    const { logits, backward } = llama(decoder, config, input);
    const rowWeights = weights.subarray(rows, rows + targets.length);
    const { rowLoss } = crossEntropy(logits, targets, config.vocab_size);
    tokenLoss += rowLoss.reduce(
      (sum, loss, r) => sum + rowWeights[r] * loss,
      0,
    );
    rows += targets.length;
    const { gradImageEmbeds, gradients } = backward(
      crossEntropyBackward(logits, targets, rowWeights, config.vocab_size),
    );
    gradZ.set(gradImageEmbeds, picture * imageValues);
    for (const [name, gradient] of gradients) {
      gradDecoder.set(
        name,
        add(
          gradient,
          gradDecoder.get(name) ?? new Float64Array(gradient.length),
        ),
      );
    }
  }

  const regulariser = OBJECTIVES[objective]?.(x, z, p2) ?? null;
  if (regulariser !== null) {
    gradZ = add(gradZ, scale(regulariser.gradZ, lambda));
  }
  const gradP2 = regulariser?.gradP2 ?? null;
  return {
    loss: tokenLoss + lambda * (regulariser?.loss ?? 0),
    tokenLoss,
    cosineLoss: regulariser?.loss ?? null,
    gradP1: projected.backward(gradZ).gradients,
    gradP2: gradP2 && {
      "0.weight": scale(gradP2["0.weight"], lambda),
      "0.bias": scale(gradP2["0.bias"], lambda),
      "2.weight": scale(gradP2["2.weight"], lambda),
      "2.bias": scale(gradP2["2.bias"], lambda),
    },
    gradDecoder,
  };
}
