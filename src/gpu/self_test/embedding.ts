/** Embedding look-up of packed questions, gathering of rows, and the greedy choice of a token. */
import { imageRows, packBatch } from "../../data/packing.ts";
import { greedyChoice } from "../../tensor/decode.ts";
import { embedding, gatherRows } from "../../tensor/embedding.ts";

import { embedding as rowsOf, embeddingBackward } from "../../testing/reference/embedding.ts";
import { row } from "../../testing/reference/values.ts";
import type { Bench } from "./bench.ts";
import { HIDDEN, LAYOUT, ROWS } from "./sizes.ts";
import { STEP } from "./step.ts";

const { batch, prefix, blocks, answers, vocabulary } = LAYOUT;
const IMAGE_TOKENS = batch * prefix;

/** Questions of several lengths that use few tokens often; the last image has one less. */
const PACKED = packBatch(
  Array.from({ length: batch }, (_, image) => ({
    image,
    questions: Array.from({ length: image === batch - 1 ? blocks - 1 : blocks }, (_, q) => ({
      prompt: Array.from({ length: 2 + (image + q) % 4 }, (_, t) => (3 * q + 5 * t) % 7),
      answer: Array.from({ length: 1 + q % answers }, (_, t) => vocabulary - 1 - t),
    })),
  })),
  LAYOUT,
);

/** Text and image rows in sequence order; a token's gradient is the sum over its places. */
export function embeddingCases({ tape, random, ints, expect }: Bench): void {
  const images = random(IMAGE_TOKENS, HIDDEN);
  const table = random(vocabulary, HIDDEN);
  const dy = random(ROWS, HIDDEN);
  const y = embedding(
    tape,
    table.tensor,
    images.tensor,
    {
      sources: ints(PACKED.sources),
      starts: ints(PACKED.starts),
      places: ints(PACKED.places),
      imageRows: ints(imageRows(LAYOUT)),
    },
    ROWS,
  );
  tape.accumulate(y, () => dy.tensor);
  // Image tokens are the rows behind the table's.
  const both = [...table.values, ...images.values];
  const ids = PACKED.sources.map((source) => source >= 0 ? source : vocabulary - 1 - source);
  const gradient = embeddingBackward(ids, dy.values, {
    vocabulary: vocabulary + IMAGE_TOKENS,
    width: HIDDEN,
  });
  const tokens = gradient.subarray(0, vocabulary * HIDDEN);
  expect("embedding_forward", y, rowsOf(both, ids, HIDDEN));
  expect("embedding_backward", { tensor: () => tape.gradientOf(table.tensor)! }, tokens);
  expect(
    "gather_rows",
    { tensor: () => tape.gradientOf(images.tensor)! },
    gradient.subarray(tokens.length),
  );
}

/** Rows that predict answers, zeros where there is none, and back. */
export function gatherCase({ tape, random, ints, expect }: Bench): void {
  const { answerRows, answerOfRow } = PACKED;
  const x = random(ROWS, HIDDEN);
  const dy = random(answerRows.length, HIDDEN);
  const index = { rowsOf: ints(answerRows), inverse: ints(answerOfRow) };
  const y = gatherRows(tape, x.tensor, answerRows.length, index);
  tape.accumulate(y, () => dy.tensor);
  const gather = (matrix: Float64Array, rows: Int32Array) => {
    const zeros = matrix.length / HIDDEN;
    const withZeros = [...matrix, ...new Float64Array(HIDDEN)];
    return rowsOf(withZeros, rows.map((index) => index < 0 ? zeros : index), HIDDEN);
  };
  expect("gather_rows", y, gather(x.values, answerRows));
  expect(
    "gather_rows",
    { tensor: () => tape.gradientOf(x.tensor)! },
    gather(dy.values, answerOfRow),
  );
}

/** Negative logits, which the zeros behind the last column exceed, and a tie. */
export function argmaxCase({ tape, draw, matrix, array, expect }: Bench): void {
  const rows = batch * blocks;
  const logits = draw(rows * vocabulary).map((value) => Math.fround(value - 2));
  logits[7] = logits[vocabulary - 1] = -0.5;
  const x = matrix(rows, vocabulary, logits).tensor;
  const next = array(rows);
  const tokens = array((STEP.slot + 1) * rows);
  greedyChoice(tape, x, { next, tokens });
  const chosen = Array.from({ length: rows }, (_, r) => {
    const values = row(logits, r, vocabulary);
    return values.indexOf(Math.max(...values));
  });
  expect("argmax", { array: next, type: "i32", first: 0 }, chosen, 0);
  expect("argmax", { array: tokens, type: "i32", first: STEP.slot * rows }, chosen, 0);
}
