/** The symmetric contrastive loss of CLIP (arXiv 2103.00020, figure 3). */
import type { Tensor } from "../gpu/tensor.ts";
import { linear } from "../tensor/linear.ts";
import { crossEntropy } from "../tensor/losses.ts";
import type { Tape } from "../tensor/tape.ts";
import { unitRows } from "../tensor/unit_rows.ts";

/** What {@linkcode contrastiveLoss} leaves. */
export interface ContrastiveLoss {
  /** As of `crossEntropy`, a row a picture: (n, 4). */
  perImage: Tensor;
  /** A row a text: (n, 4). */
  perText: Tensor;
  /** exp(logitScale) u v^T: (n, n). */
  logitsPerImage: Tensor;
}

/**
 * logits = exp(logitScale) u v^T with unit rows u and v; row i of the one belongs to row i of the
 * other. Gradients are those of the sum of both cross-entropies, weighed by the step's token scale:
 * with {@linkcode contrastiveScale}, of (mean over rows + mean over columns) / 2.
 *
 * @param images (n, width)
 * @param texts (n, width)
 * @param logitScale A logarithm, (1, 1); its exponential must be finite in float32
 * @param labels 0 to n - 1
 */
export function contrastiveLoss(
  tape: Tape,
  images: Tensor,
  texts: Tensor,
  logitScale: Tensor,
  labels: GPUBuffer,
): ContrastiveLoss {
  const u = unitRows(tape, images, logitScale);
  const v = unitRows(tape, texts);
  const logitsPerImage = linear(tape, u, v, { name: "logits of images" });
  const logitsPerText = linear(tape, v, u, { name: "logits of texts" });
  return {
    perImage: crossEntropy(tape, logitsPerImage, labels),
    perText: crossEntropy(tape, logitsPerText, labels),
    logitsPerImage,
  };
}

/** The step's token scale for a batch of n pairs. */
export function contrastiveScale(pairs: number): number {
  return 1 / (2 * pairs);
}
