/** Losses whose kernels make value and gradient at once: cross-entropy and row cosine loss. */
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "./elementwise.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** A teacher whose predictions are learnt beside the labels. */
export interface Teacher {
  /** (rows, vocabulary); no gradient flows into them. */
  logits: Tensor;
  /** Share of its predictions in the target, xi; the rest is the label. */
  xi: number;
}

/**
 * Softmax cross-entropy; sets the gradient of the logits, scaled by the step's token scale. With a
 * teacher the gradient is that of xi times the cross-entropy to its predictions and 1 - xi times that
 * to the labels.
 *
 * @param logits (rows, vocabulary)
 * @param labels one label a row, negative where the row does not count
 * @returns (rows, 4): loss to the label in nats, log-sum-exp, loss to the teacher or 0, 0
 */
export function crossEntropy(
  tape: Tape,
  logits: Tensor,
  labels: GPUBuffer,
  teacher?: Teacher,
): Tensor {
  const loss = tape.tensor("token loss", logits.rows, 4);
  const dx = tape.tensor("d logits", logits.rows, logits.columns);
  tape.dispatch("cross_entropy", {
    matrices: { x: logits, dx, loss, ...(teacher && { teacher: teacher.logits }) },
    arrays: { labels },
    sizes: {
      rows: logits.rows,
      width: logits.columns,
      width4: logits.width4,
      xi: teacher?.xi ?? 0,
    },
    constants: teacher ? { TAUGHT: 1 } : {},
    grid: rowGrid(tape, logits.rows),
  });
  tape.onBackward(() => {
    tape.accumulate(logits, (base) => {
      if (base) throw new RangeError("Cannot trace crossEntropy: the logits are used twice");
      return dx;
    });
  });
  return loss;
}

/**
 * Row cosine loss 1 - cos(x, y), gradients scaled by the step's lambda / rows.
 *
 * @param x (rows, width)
 * @param y (rows, width)
 * @param detach Sides that receive no gradient.
 * @returns (rows, 4): loss of the row, cosine, |x|, |y|
 */
export function cosineLoss(
  tape: Tape,
  x: Tensor,
  y: Tensor,
  detach: { x?: boolean; y?: boolean } = {},
): Tensor {
  if (x.rows !== y.rows || x.columns !== y.columns) {
    throw new RangeError(
      `Cannot trace cosineLoss: ${x.rows} x ${x.columns} and ${y.rows} x ${y.columns} differ`,
    );
  }
  const loss = tape.tensor("cosine loss", x.rows, 4);
  const wantsX = x.needsGradient && !detach.x;
  const wantsY = y.needsGradient && !detach.y;
  const dx = wantsX ? tape.tensor(`d ${x.name}`, x.rows, x.columns) : undefined;
  const dy = wantsY ? tape.tensor(`d ${y.name}`, y.rows, y.columns) : undefined;
  tape.dispatch("cosine_loss", {
    matrices: { x, y, loss, ...(dx && { dx }), ...(dy && { dy }) },
    sizes: { rows: x.rows, width4: x.width4, inverse_rows: 1 / x.rows },
    constants: { DX: dx ? 1 : 0, DY: dy ? 1 : 0 },
    grid: rowGrid(tape, x.rows),
  });
  tape.onBackward(() => {
    if (dx) tape.accumulate(x, (base) => base ? add(tape, base, dx) : dx);
    if (dy) tape.accumulate(y, (base) => base ? add(tape, base, dy) : dy);
  });
  return loss;
}
