/** Embedding look-up of packed questions, positions, gathering of rows, and the greedy choice of a token. */
import { imageRows, packBatch } from "../data/packing.ts";
import { embedding as rowsOf, embeddingBackward } from "../reference/embedding.ts";
import {
  addPositions as referencePositions,
  addPositionsBackward,
} from "../reference/positions.ts";
import { add, row } from "../reference/values.ts";
import { greedyChoice } from "../tensor/decode.ts";
import { embedding, gatherRows } from "../tensor/embedding.ts";
import { addPositions } from "../tensor/positions.ts";
import type { Bench } from "./bench.ts";
import { LAYOUT, ROWS, WIDTH } from "./sizes.ts";
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
export function embeddingCase({ tape, random, addend, ints, backward, expect }: Bench): void {
  const images = random(IMAGE_TOKENS, WIDTH);
  const table = random(vocabulary, WIDTH);
  const dy = random(ROWS, WIDTH);
  const base = addend(vocabulary, WIDTH);
  const index = {
    sources: ints(PACKED.sources),
    starts: ints(PACKED.starts),
    places: ints(PACKED.places),
    imageRows: ints(imageRows(LAYOUT)),
  };
  const y = embedding(tape, table.tensor, images.tensor, index, ROWS);
  if (base) tape.accumulate(table.tensor, () => base.tensor);
  backward(y, dy.tensor);
  // Image tokens are the rows behind the table's.
  const both = [...table.values, ...images.values];
  const ids = PACKED.sources.map((source) => source >= 0 ? source : vocabulary - 1 - source);
  const gradient = embeddingBackward(ids, dy.values, {
    vocabulary: vocabulary + IMAGE_TOKENS,
    width: WIDTH,
  }).subarray(0, vocabulary * WIDTH);
  expect("embedding_forward", y, rowsOf(both, ids, WIDTH));
  expect(
    "embedding_backward",
    tape.gradientOf(table.tensor)!,
    base ? add(gradient, base.values) : gradient,
  );
}

/** A table with more positions than the sequences have. */
export function positionsCase({ tape, random, addend, backward, expect }: Bench): void {
  const period = ROWS / batch;
  const positions = period + 2;
  const x = random(ROWS, WIDTH);
  const table = random(positions, WIDTH);
  const dy = random(ROWS, WIDTH);
  const base = addend(positions, WIDTH);
  const y = addPositions(tape, x.tensor, table.tensor, period);
  if (base) tape.accumulate(table.tensor, () => base.tensor);
  backward(y, dy.tensor);
  const size = { positions, period, width: WIDTH };
  const gradient = addPositionsBackward(dy.values, size);
  expect("positions_forward", y, referencePositions(x.values, table.values, size));
  expect(
    "positions_backward",
    tape.gradientOf(table.tensor)!,
    base ? add(gradient, base.values) : gradient,
  );
}

/** Rows that predict answers, zeros where there is none, and back. */
export function gatherCase({ tape, random, addend, ints, backward, expect }: Bench): void {
  const { answerRows, answerOfRow } = PACKED;
  const x = random(ROWS, WIDTH);
  const dy = random(answerRows.length, WIDTH);
  const base = addend(ROWS, WIDTH);
  const index = { rowsOf: ints(answerRows), inverse: ints(answerOfRow) };
  const y = gatherRows(tape, x.tensor, answerRows.length, index);
  if (base) tape.accumulate(x.tensor, () => base.tensor);
  backward(y, dy.tensor);
  const gather = (matrix: Float64Array, rows: Int32Array) => {
    const zeros = matrix.length / WIDTH;
    const withZeros = [...matrix, ...new Float64Array(WIDTH)];
    return rowsOf(withZeros, rows.map((index) => index < 0 ? zeros : index), WIDTH);
  };
  const gradient = gather(dy.values, answerOfRow);
  expect("gather_rows", y, gather(x.values, answerRows));
  expect(
    "gather_rows",
    tape.gradientOf(x.tensor)!,
    base ? add(gradient, base.values) : gradient,
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
  expect("argmax", next, chosen, { tolerance: 0 });
  expect("argmax", tokens, chosen, { first: STEP.slot * rows, tolerance: 0 });
}
