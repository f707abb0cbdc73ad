import { logsumexp, softmax } from "./softmax.ts";
import { row, type Values } from "./values.ts";

/** Target of a row that has no loss. */
export const IGNORED = -100;

/**
 * Cross-entropy of each row of logits (rows, classes) with its target class, nats:
 * logsumexp(logits) - logits[target], 0 where the target is {@linkcode IGNORED}.
 */
export function crossEntropy(
  logits: Values,
  targets: Values,
  classes: number,
): { rowLoss: Float64Array; logsumexp: Float64Array } {
  const normaliser = Float64Array.from(
    targets,
    (_, r) => logsumexp(row(logits, r, classes)),
  );
  const rowLoss = Float64Array.from(
    targets,
    (target, r) => target === IGNORED ? 0 : normaliser[r] - logits[r * classes + target],
  );
  return { rowLoss, logsumexp: normaliser };
}

/** Gradient of sum over rows of gradRowLoss * rowLoss: softmax minus the one-hot target. */
export function crossEntropyBackward(
  logits: Values,
  targets: Values,
  gradRowLoss: Values,
  classes: number,
): Float64Array {
  const gradLogits = softmax(logits, classes);
  for (let r = 0; r < targets.length; r++) {
    if (targets[r] !== IGNORED) gradLogits[r * classes + targets[r]] -= 1;
    const weight = targets[r] === IGNORED ? 0 : gradRowLoss[r];
    for (let j = r * classes; j < (r + 1) * classes; j++) {
      gradLogits[j] *= weight;
    }
  }
  return gradLogits;
}

/** For each row, the weight that makes the weighted sum of row losses their mean. */
export function meanWeights(targets: Values): Float64Array {
  let counted = 0;
  for (let r = 0; r < targets.length; r++) {
    counted += Number(targets[r] !== IGNORED);
  }
  return Float64Array.from(
    targets,
    (target) => target === IGNORED ? 0 : 1 / counted,
  );
}
