/** Cross-entropy and cosine loss with their gradients, and their sums in the loss ring. */
import { cosineLoss, crossEntropy } from "../../tensor/losses.ts";
import { rowTotal } from "../../tensor/reduce.ts";
import {
  cosineLoss as referenceCosine,
  cosineLossBackward,
} from "../../testing/reference/cosine.ts";
import {
  crossEntropy as referenceCrossEntropy,
  crossEntropyBackward,
  IGNORED,
} from "../../testing/reference/cross_entropy.ts";
import { dot, row, scale } from "../../testing/reference/values.ts";
import type { Bench } from "./bench.ts";
import { LAYOUT, quadruples, ROWS, WIDTH } from "./sizes.ts";
import { STEP } from "./step.ts";

/** Loss and gradient of answers, some without a label; the sum by a fixed and by the token scale. */
export function crossEntropyCase(bench: Bench): void {
  const { tape, random, ints, array, expect } = bench;
  const { vocabulary } = LAYOUT;
  const logits = random(ROWS, vocabulary, 5);
  const labels = Int32Array.from(
    { length: ROWS },
    (_, r) => r % 5 === 3 ? IGNORED : (7 * r) % vocabulary,
  );
  const ring = array(4 * (STEP.slot + 1));
  const loss = crossEntropy(tape, logits.tensor, ints(labels));
  tape.backward();
  rowTotal(tape, loss, ring, 0, "token");
  rowTotal(tape, loss, ring, 1, 1 / ROWS);
  const { rowLoss, logsumexp } = referenceCrossEntropy(logits.values, labels, vocabulary);
  const gradRowLoss = new Float64Array(ROWS).fill(STEP.tokenScale);
  const total = rowLoss.reduce((a, b) => a + b);
  expect("cross_entropy", loss, quadruples((r) => [rowLoss[r], logsumexp[r], 0, 0]));
  expect(
    "cross_entropy",
    tape.gradientOf(logits.tensor)!,
    crossEntropyBackward(logits.values, labels, gradRowLoss, vocabulary),
  );
  expect("row_total", ring, [STEP.tokenScale * total, total / ROWS], { first: 4 * STEP.slot });
}

/** With the gradients that the variant makes; one row of zeros. */
export function cosineCase(bench: Bench): void {
  const { tape, draw, random, matrix, expect, constants: { DX, DY } } = bench;
  const x = matrix(ROWS, WIDTH, draw(ROWS * WIDTH).fill(0, WIDTH, 2 * WIDTH));
  const y = random(ROWS, WIDTH);
  const loss = cosineLoss(tape, x.tensor, y.tensor, { x: !DX, y: !DY });
  tape.backward();
  const { cosines } = referenceCosine(x.values, y.values, WIDTH);
  const { gradU, gradV } = cosineLossBackward(x.values, y.values, WIDTH);
  const norm = (values: Float64Array, r: number) => {
    const one = row(values, r, WIDTH);
    return Math.sqrt(dot(one, one));
  };
  expect(
    "cosine_loss",
    loss,
    quadruples((r) => [1 - cosines[r], cosines[r], norm(x.values, r), norm(y.values, r)]),
  );
  if (DX) expect("cosine_loss", tape.gradientOf(x.tensor)!, scale(gradU, STEP.lambda));
  if (DY) expect("cosine_loss", tape.gradientOf(y.tensor)!, scale(gradV, STEP.lambda));
}
