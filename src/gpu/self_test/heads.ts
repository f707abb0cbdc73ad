/** Rotary embedding, attention over packed questions, and decoding against a cache. */
import {
  attention,
  rope,
  ropeTable,
  sequenceLength,
  sequencePositions,
} from "../../tensor/attention.ts";
import { decodeAttention } from "../../tensor/decode.ts";
import { joinColumns, joinHeads, type PairOrder, takeColumns } from "../../testing/heads.ts";
import {
  attention as referenceAttention,
  attentionBackward,
  PREFIX,
  prefixBlocks,
} from "../../testing/reference/attention.ts";
import { embedding as rowsOf } from "../../testing/reference/embedding.ts";
import { rope as referenceRope, ropeBackward } from "../../testing/reference/rope.ts";
import type { Bench } from "./bench.ts";
import { HEADS, LAYOUT, ROWS } from "./sizes.ts";
import { STEP } from "./step.ts";

const { heads, kvHeads, headWidth, headDim } = HEADS;
const { batch, prefix, blocks, block } = LAYOUT;
const TOKENS = sequenceLength(LAYOUT);
const QUERIES = heads * headWidth;
const JOINT = QUERIES + 2 * kvHeads * headWidth;
const THETA = 10_000;

/** Queries, keys and values, each (batch, heads, tokens, headDim). */
type Heads = [Float64Array, Float64Array, Float64Array];

/** Turned and turned back, each from numbers of its own. */
export function ropeCase({ tape, draw, matrix, ints, expect }: Bench): void {
  const positions = sequencePositions(LAYOUT);
  const size = { headDim, theta: THETA };
  const table = matrix(prefix + block, headWidth, ropeTable(prefix + block, HEADS, THETA));
  const rows = ints(Array.from({ length: batch }, () => [...positions]).flat());
  const [q, k, v] = drawHeads(draw);
  const [dq, dk, dv] = drawHeads(draw);
  const x = matrix(ROWS, JOINT, sideBySide([q, k, v], "halves"));
  const dy = matrix(ROWS, JOINT, sideBySide([dq, dk, dv], "halves"));
  const y = rope(tape, x.tensor, table.tensor, rows, HEADS);
  tape.accumulate(y, () => dy.tensor);
  const turned: Heads = [referenceRope(q, positions, size), referenceRope(k, positions, size), v];
  const back: Heads = [ropeBackward(dq, positions, size), ropeBackward(dk, positions, size), dv];
  expect("rope", y, sideBySide(turned, "halves"));
  expect("rope gradient", { tensor: () => tape.gradientOf(x.tensor)! }, sideBySide(back, "halves"));
}

/** Attention with its gradients; then its last tokens again, decoded against the cache of the others. */
export function attentionCases(bench: Bench): void {
  const { tape, draw, matrix, expect } = bench;
  const parts = drawHeads(draw);
  const x = matrix(ROWS, JOINT, sideBySide(parts));
  const dyHeads = draw(batch * heads * TOKENS * headDim);
  const dy = matrix(ROWS, QUERIES, joinQueries(dyHeads));
  const y = attention(tape, x.tensor, LAYOUT, HEADS);
  tape.accumulate(y, () => dy.tensor);
  const reference = referenceSequences(parts, dyHeads);
  const tensor = () => tape.gradientOf(x.tensor)!;
  const gradient = sideBySide(reference.gradients);
  const take = (columns: [number, number]) => takeColumns(gradient, JOINT, ...columns);
  const [query, keyValue]: [number, number][] = [[0, QUERIES], [QUERIES, JOINT - QUERIES]];
  expect("attention_forward", y, joinQueries(reference.y));
  expect("attention_backward_query", { tensor, columns: query }, take(query));
  expect("attention_backward_key_value", { tensor, columns: keyValue }, take(keyValue));
  decodeCase(bench, x.values, joinQueries(reference.y));
}

/** The new token of a block must come out as in full attention, whatever lies behind it in the cache. */
function decodeCase(
  { tape, matrix, ints, expect }: Bench,
  joint: Float64Array,
  full: Float32Array,
): void {
  const rows = batch * blocks;
  const lengths = Array.from({ length: rows }, (_, r) => 1 + r % (block - 1));
  const places = lengths.map((length, r) =>
    Math.floor(r / blocks) * TOKENS + prefix + (r % blocks) * block + length + STEP.slot - 1
  );
  const before = joint.slice();
  for (const place of places) before.fill(0, place * JOINT, (place + 1) * JOINT);
  const x = matrix(rows, JOINT, rowsOf(joint, places, JOINT));
  const cache = matrix(ROWS, JOINT, before);
  const place = { sequence: LAYOUT, lengths: ints(lengths) };
  const y = decodeAttention(tape, x.tensor, cache.tensor, place, HEADS);
  const columns: [number, number] = [QUERIES, JOINT - QUERIES];
  expect(
    "cache_append",
    { tensor: () => cache.tensor, columns },
    takeColumns(joint, JOINT, ...columns),
  );
  expect("attention_decode", y, rowsOf(full, places, QUERIES));
}

function drawHeads(draw: Bench["draw"]): Heads {
  const of = (count: number) => draw(batch * count * TOKENS * headDim, 2);
  return [of(heads), of(kvHeads), of(kvHeads)];
}

/** As the kernels read them: (batch * tokens, (heads + 2 kvHeads) headWidth). */
function sideBySide([q, k, v]: Heads, order: PairOrder = "as they are"): Float32Array {
  const part = (values: Float64Array, count: number, order?: PairOrder) => ({
    columns: count * headWidth,
    data: joinHeads(values, { batch, heads: count, tokens: TOKENS }, HEADS, order),
  });
  return joinColumns(ROWS, [part(q, heads, order), part(k, kvHeads, order), part(v, kvHeads)]);
}

const joinQueries = (values: Float64Array) =>
  joinHeads(values, { batch, heads, tokens: TOKENS }, HEADS);

/** The reference on each sequence of the batch. */
function referenceSequences(parts: Heads, dy: Float64Array): { y: Float64Array; gradients: Heads } {
  const segment = Array.from(
    { length: TOKENS },
    (_, t) => t < prefix ? PREFIX : Math.floor((t - prefix) / block),
  );
  const mask = prefixBlocks(segment);
  const size = { heads, kvHeads, tokens: TOKENS, headDim };
  const y = new Float64Array(dy.length);
  const gradients: Heads = [
    new Float64Array(parts[0].length),
    new Float64Array(parts[1].length),
    new Float64Array(parts[2].length),
  ];
  for (let b = 0; b < batch; b++) {
    const of = (values: Float64Array) =>
      values.subarray(b * values.length / batch, (b + 1) * values.length / batch);
    const [q, k, v] = parts.map(of);
    of(y).set(referenceAttention(q, k, v, size, mask).y);
    const { gradQ, gradK, gradV } = attentionBackward(q, k, v, of(dy), size, mask);
    [gradQ, gradK, gradV].forEach((gradient, i) => of(gradients[i]).set(gradient));
  }
  return { y, gradients };
}
