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
import { HIDDEN, LAYOUT, ROWS } from "./sizes.ts";
import { STEP } from "./step.ts";

/** Loss and gradient of answers, some without a label; the sum by a fixed and by the token scale. */
export function crossEntropyCase({ tape, random, ints, array, expect }: Bench): void {
  const { vocabulary } = LAYOUT;
  const logits = random(ROWS, vocabulary, 5);
  const labels = Int32Array.from(
    { length: ROWS },
    (_, r) => r % 5 === 3 ? IGNORED : (7 * r) % vocabulary,
  );
  const ring = array(4 * (STEP.slot + 1));
  const loss = crossEntropy(tape, logits.tensor, ints(labels));
  rowTotal(tape, loss, ring, 0, "token");
  rowTotal(tape, loss, ring, 1, 1 / ROWS);
  const { rowLoss, logsumexp } = referenceCrossEntropy(logits.values, labels, vocabulary);
  const gradRowLoss = new Float64Array(ROWS).fill(STEP.tokenScale);
  const total = rowLoss.reduce((a, b) => a + b);
  expect("cross_entropy", loss, quadruples((r) => [rowLoss[r], logsumexp[r], 0, 0]));
  expect(
    "cross_entropy",
    { tensor: () => tape.gradientOf(logits.tensor)! },
    crossEntropyBackward(logits.values, labels, gradRowLoss, vocabulary),
  );
  expect(
    "row_total",
    { array: ring, type: "f32", first: 4 * STEP.slot },
    [STEP.tokenScale * total, total / ROWS],
  );
}

/** With both gradients and with the second side detached; one row of zeros. */
export function cosineCases({ tape, draw, random, matrix, expect }: Bench): void {
  for (const detached of [false, true]) {
    const x = matrix(ROWS, HIDDEN, draw(ROWS * HIDDEN).fill(0, HIDDEN, 2 * HIDDEN));
    const y = random(ROWS, HIDDEN);
    const name = detached ? "cosine_loss with one side detached" : "cosine_loss";
    const loss = cosineLoss(tape, x.tensor, y.tensor, { y: detached });
    const { cosines } = referenceCosine(x.values, y.values, HIDDEN);
    const { gradU, gradV } = cosineLossBackward(x.values, y.values, HIDDEN);
    const norm = (values: Float64Array, r: number) => {
      const one = row(values, r, HIDDEN);
      return Math.sqrt(dot(one, one));
    };
    expect(
      name,
      loss,
      quadruples((r) => [1 - cosines[r], cosines[r], norm(x.values, r), norm(y.values, r)]),
    );
    expect(name, { tensor: () => tape.gradientOf(x.tensor)! }, scale(gradU, STEP.lambda));
    if (!detached) {
      expect(name, {
        tensor: () => tape.gradientOf(y.tensor)!,
      }, scale(gradV, STEP.lambda));
    }
  }
}

/** What a loss kernel leaves of each row. */
function quadruples(of: (row: number) => [number, number, number, number]): number[] {
  return Array.from({ length: ROWS }, (_, r) => of(r)).flat();
}
