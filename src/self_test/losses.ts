/** Cross-entropy and cosine loss with their gradients, and their sums in the loss ring. */
import { cosineLoss as referenceCosine, cosineLossBackward } from "../reference/cosine.ts";
import {
  crossEntropy as referenceCrossEntropy,
  crossEntropyBackward,
  IGNORED,
} from "../reference/cross_entropy.ts";
import { matmul } from "../reference/matmul.ts";
import { softmax } from "../reference/softmax.ts";
import { dot, row, scale } from "../reference/values.ts";
import { cosineLoss, crossEntropy } from "../tensor/losses.ts";
import { rowTotal } from "../tensor/reduce.ts";
import { vicregLoss } from "../tensor/vicreg.ts";
import type { Bench } from "./bench.ts";
import { LAYOUT, quadruples, ROWS, WIDTH } from "./sizes.ts";
import { STEP } from "./step.ts";

/** Share of the teacher's predictions, where there is one. */
const XI = 0.3;

/**
 * Loss and gradient of answers, some without a label, with a teacher where the variant has one; the sum by
 * a fixed and by the token scale.
 */
export function crossEntropyCase(bench: Bench): void {
  const { tape, random, ints, array, expect, constants: { TAUGHT } } = bench;
  const { vocabulary } = LAYOUT;
  const logits = random(ROWS, vocabulary, 5);
  const labels = Int32Array.from(
    { length: ROWS },
    (_, r) => r % 5 === 3 ? IGNORED : (7 * r) % vocabulary,
  );
  const ring = array(4 * (STEP.slot + 1));
  const teacher = TAUGHT ? random(ROWS, vocabulary, 5) : undefined;
  const loss = crossEntropy(
    tape,
    logits.tensor,
    ints(labels),
    teacher && { logits: teacher.tensor, xi: XI },
  );
  tape.backward();
  rowTotal(tape, loss, ring, 0, "token");
  rowTotal(tape, loss, ring, 1, 1 / ROWS);
  const { rowLoss, logsumexp } = referenceCrossEntropy(logits.values, labels, vocabulary);
  const gradRowLoss = new Float64Array(ROWS).fill(STEP.tokenScale * (teacher ? 1 - XI : 1));
  const byLabels = crossEntropyBackward(logits.values, labels, gradRowLoss, vocabulary);
  const total = rowLoss.reduce((a, b) => a + b);
  const shares = teacher && softmax(teacher.values, vocabulary);
  const predicted = softmax(logits.values, vocabulary);
  const isCounted = (r: number) => labels[r] !== IGNORED;
  const taught = (r: number) =>
    shares && isCounted(r)
      ? logsumexp[r] - dot(row(shares, r, vocabulary), row(logits.values, r, vocabulary))
      : 0;
  expect("cross_entropy", loss, quadruples((r) => [rowLoss[r], logsumexp[r], taught(r), 0]));
  expect(
    "cross_entropy",
    tape.gradientOf(logits.tensor)!,
    byLabels.map((value, i) =>
      shares && isCounted(Math.floor(i / vocabulary))
        ? value + STEP.tokenScale * XI * (predicted[i] - shares[i])
        : value
    ),
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

/** Columns above and below gamma, and what goes from one kernel to the next. */
export function vicregCase(bench: Bench): void {
  const { tape, draw, matrix, give, commands, expect } = bench;
  const gamma = 0.5, variance = 2, covariance = 3;
  // Later columns vary more.
  const z = matrix(ROWS, WIDTH, draw(ROWS * WIDTH).map((value, i) => value * (i % WIDTH) / 30 + 1));
  const loss = vicregLoss(tape, z.tensor, matrix(1, 1, [gamma]).tensor, { variance, covariance });
  tape.backward();
  const sums = new Float64Array(WIDTH);
  z.values.forEach((value, i) => sums[i % WIDTH] += value);
  const centred = z.values.map((value, i) => value - sums[i % WIDTH] / ROWS);
  const products = matmul("TN", centred, centred, { m: WIDTH, k: ROWS, n: WIDTH });
  const [centring] = commands("centre_columns"), [terms] = commands("vicreg_terms");
  give(centring.matrices.sums, sums);
  give(terms.matrices.products, products);
  expect("centre_columns", centring.matrices.y, centred);
  const covariances = products.map((value) => value / (ROWS - 1));
  const own = (j: number) => covariances[j * (WIDTH + 1)];
  const deviation = (j: number) => Math.sqrt(own(j) + 1e-4);
  const factor = STEP.lambda / ((ROWS - 1) * WIDTH);
  expect(
    "vicreg_terms",
    terms.matrices.weights,
    covariances.map((value, i) => {
      const j = Math.floor(i / WIDTH);
      if (i % WIDTH !== j) return factor * 4 * covariance * value;
      return deviation(j) < gamma ? -factor * variance / deviation(j) : 0;
    }),
  );
  expect(
    "vicreg_terms",
    loss,
    Array.from({ length: WIDTH }, (_, j) => {
      const lacking = Math.max(0, gamma - deviation(j));
      const columns = row(covariances, j, WIDTH);
      const squares = dot(columns, columns) - own(j) ** 2;
      return [variance * lacking + covariance * squares, lacking, squares, deviation(j)];
    }).flat(),
  );
}
