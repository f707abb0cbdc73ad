/** Rotary embedding, attention over packed questions, and decoding against a cache. */
import {
  attention as referenceAttention,
  attentionBackward,
  full,
  type Mask,
  PREFIX,
  prefixBlocks,
} from "../reference/attention.ts";
import { embedding as rowsOf } from "../reference/embedding.ts";
import { joinColumns, joinHeads, takeColumns } from "../reference/heads.ts";
import { ropeBackward } from "../reference/rope.ts";
import { add, dot, row } from "../reference/values.ts";
import { attention, sequenceLength, sequencePositions } from "../tensor/attention.ts";
import { decodeAttention } from "../tensor/decode.ts";
import type { HeadLayout } from "../tensor/heads.ts";
import { linear } from "../tensor/linear.ts";
import { ropeTable, rotateBack, type Rotation } from "../tensor/rope.ts";
import type { Bench } from "./bench.ts";
import { headsOf, LAYOUT, ROWS } from "./sizes.ts";
import { STEP } from "./step.ts";

const { batch, prefix, blocks, block } = LAYOUT;
const TOKENS = sequenceLength(LAYOUT);
const POSITIONS = sequencePositions(LAYOUT);
const THETA = 10_000;

/** Which tokens of packed questions see which. */
const PACKED = prefixBlocks(
  Array.from(
    { length: TOKENS },
    (_, t) => t < prefix ? PREFIX : Math.floor((t - prefix) / block),
  ),
);

/** Queries, keys and values, each (batch, heads, tokens, headDim). */
type Heads = [Float64Array, Float64Array, Float64Array];

/** Columns of the queries, and of all heads side by side. */
function widths({ heads, kvHeads, headWidth }: HeadLayout): { queries: number; joint: number } {
  return { queries: heads * headWidth, joint: (heads + 2 * kvHeads) * headWidth };
}

/** A gradient turned back, values passed. */
export function rotationCase({ tape, draw, matrix, addend, ints, expect }: Bench): void {
  const layout = headsOf(4);
  const { joint } = widths(layout);
  const parts = drawHeads(draw, layout);
  const dy = matrix(ROWS, joint, sideBySide(parts, layout));
  const base = addend(ROWS, joint);
  const dx = rotateBack(tape, dy.tensor, rotationOf({ matrix, ints }, layout), base?.tensor);
  const turned = sideBySide(turnedBack(parts, layout), layout);
  expect("rope_backward", dx, base ? add(turned, base.values) : turned);
}

/** Attention with its gradients, with ROPE those before the rotation, with FULL without a mask. */
export function attentionCase(bench: Bench): void {
  const { tape, draw, random, matrix, ints, give, backward, commands, expect } = bench;
  const { HEAD4, ROPE, FULL } = bench.constants;
  const layout = headsOf(HEAD4);
  const sequence = FULL ? { batch, prefix: TOKENS, blocks: 0, block: 0, causal: false } : LAYOUT;
  const { queries, joint } = widths(layout);
  const parts = drawHeads(draw, layout);
  const dyHeads = draw(parts[0].length);
  const dy = matrix(ROWS, queries, joinQueries(dyHeads, layout));
  // Attention asks what made its input; the input's own numbers are given.
  const x = ROPE
    ? linear(tape, random(ROWS, 4).tensor, random(joint, 4).tensor, {
      activation: { kind: "rotation", rotation: rotationOf({ matrix, ints }, layout) },
    })
    : random(ROWS, joint).tensor;
  give(x, sideBySide(parts, layout));
  const y = attention(tape, x, sequence, layout);
  backward(y, dy.tensor);
  const reference = referenceSequences(parts, dyHeads, layout, FULL ? full : PACKED);
  const gradients = ROPE ? turnedBack(reference.gradients, layout) : reference.gradients;
  const [{ matrices: { logsumexp } }] = commands("attention_forward");
  const [{ matrices: { dx, rows } }] = commands("attention_backward_query");
  expect("attention_forward", y, joinQueries(reference.y, layout));
  expect(
    "attention_forward",
    logsumexp,
    ofRows(layout, (at) => Array(4).fill(reference.log2SumExp2[at])),
  );
  const delta = (at: number) =>
    dot(row(dyHeads, at, layout.headDim), row(reference.y, at, layout.headDim));
  const gradient = sideBySide(gradients, layout);
  const take = (columns: [number, number]) => takeColumns(gradient, joint, ...columns);
  const [query, keyValue]: [number, number][] = [[0, queries], [queries, joint - queries]];
  expect("attention_backward_query", dx, take(query), { columns: query });
  expect(
    "attention_backward_query",
    rows,
    ofRows(layout, (at) => [reference.log2SumExp2[at], delta(at), 0, 0]),
  );
  expect("attention_backward_key_value", dx, take(keyValue), { columns: keyValue });
}

/** New keys and values take their places in the cache, behind different numbers of tokens. */
export function cacheAppendCase(bench: Bench): void {
  const { joint, places, width, queries, trace } = decoding(bench);
  const before = joint.slice();
  for (const place of places) before.fill(0, place * width, (place + 1) * width);
  const { cache } = trace(before);
  const columns: [number, number] = [queries, width - queries];
  bench.expect("cache_append", cache, takeColumns(joint, width, ...columns), { columns });
}

/** The new token of a block must come out as in full attention, whatever lies behind it. */
export function decodeCase(bench: Bench): void {
  const { joint, full, places, queries, trace } = decoding(bench);
  const { y } = trace(joint);
  bench.expect("attention_decode", y, rowsOf(full, places, queries));
}

/** Sequences, of which the tokens at `places` are decoded. */
function decoding({ tape, draw, matrix, ints, constants: { HEAD4 = 4 } }: Bench) {
  const layout = headsOf(HEAD4);
  const { queries, joint: width } = widths(layout);
  const parts = drawHeads(draw, layout);
  const joint = sideBySide(parts, layout);
  const rows = batch * blocks;
  const lengths = Array.from({ length: rows }, (_, r) => 1 + r % (block - 1));
  const places = lengths.map((length, r) =>
    Math.floor(r / blocks) * TOKENS + prefix + (r % blocks) * block + length + STEP.slot - 1
  );
  const full = referenceSequences(parts, new Float64Array(parts[0].length), layout, PACKED).y;
  return {
    queries,
    width,
    joint,
    full: joinQueries(full, layout),
    places,
    trace(values: ArrayLike<number>) {
      const x = matrix(rows, width, rowsOf(joint, places, width));
      const cache = matrix(ROWS, width, values).tensor;
      const place = { sequence: LAYOUT, lengths: ints(lengths) };
      return { cache, y: decodeAttention(tape, x.tensor, cache, place, layout) };
    },
  };
}

function rotationOf({ matrix, ints }: Pick<Bench, "matrix" | "ints">, heads: HeadLayout): Rotation {
  const count = prefix + block;
  return {
    table: matrix(count, heads.headWidth, ropeTable(count, heads, THETA)).tensor,
    positions: ints(Array.from({ length: batch }, () => [...POSITIONS]).flat()),
    heads,
  };
}

function turnedBack([q, k, v]: Heads, { headDim }: HeadLayout): Heads {
  const size = { headDim, theta: THETA };
  return [ropeBackward(q, POSITIONS, size), ropeBackward(k, POSITIONS, size), v];
}

function drawHeads(draw: Bench["draw"], { heads, kvHeads, headDim }: HeadLayout): Heads {
  const of = (count: number) => draw(batch * count * TOKENS * headDim, 2);
  return [of(heads), of(kvHeads), of(kvHeads)];
}

/** As the kernels read them: (batch * tokens, (heads + 2 kvHeads) headWidth), pairs neighbours. */
function sideBySide([q, k, v]: Heads, layout: HeadLayout): Float32Array {
  const { heads, kvHeads, headWidth } = layout;
  const part = (values: Float64Array, count: number, order?: "halves") => ({
    columns: count * headWidth,
    data: joinHeads(values, { batch, heads: count, tokens: TOKENS }, layout, order),
  });
  return joinColumns(ROWS, [
    part(q, heads, "halves"),
    part(k, kvHeads, "halves"),
    part(v, kvHeads),
  ]);
}

const joinQueries = (values: Float64Array, layout: HeadLayout) =>
  joinHeads(values, { batch, heads: layout.heads, tokens: TOKENS }, layout);

/** Four numbers for each token and head, from an index into (batch, heads, tokens). */
function ofRows({ heads }: HeadLayout, of: (at: number) => number[]): number[] {
  return Array.from({ length: ROWS * heads }, (_, i) => {
    const [token, head] = [Math.floor(i / heads), i % heads];
    return of((Math.floor(token / TOKENS) * heads + head) * TOKENS + token % TOKENS);
  }).flat();
}

/** The reference on each sequence of the batch; log2SumExp2 is (batch, heads, tokens). */
function referenceSequences(parts: Heads, dy: Float64Array, layout: HeadLayout, mask: Mask) {
  const { heads, kvHeads, headDim } = layout;
  const size = { heads, kvHeads, tokens: TOKENS, headDim };
  const y = new Float64Array(dy.length);
  const log2SumExp2 = new Float64Array(batch * heads * TOKENS);
  const gradients: Heads = [
    new Float64Array(parts[0].length),
    new Float64Array(parts[1].length),
    new Float64Array(parts[2].length),
  ];
  for (let b = 0; b < batch; b++) {
    const of = (values: Float64Array) =>
      values.subarray(b * values.length / batch, (b + 1) * values.length / batch);
    const [q, k, v] = parts.map(of);
    const forward = referenceAttention(q, k, v, size, mask);
    of(y).set(forward.y);
    // A token sees itself: log p = score - log-sum-exp there.
    of(log2SumExp2).forEach((_, at, all) => {
      const [head, token] = [Math.floor(at / TOKENS), at % TOKENS];
      const key = Math.floor(head / (heads / kvHeads)) * TOKENS + token;
      const score = dot(row(q, at, headDim), row(k, key, headDim)) / Math.sqrt(headDim);
      all[at] = score * Math.LOG2E - Math.log2(forward.probabilities[at * TOKENS + token]);
    });
    const { gradQ, gradK, gradV } = attentionBackward(q, k, v, of(dy), size, mask);
    [gradQ, gradK, gradV].forEach((gradient, i) => of(gradients[i]).set(gradient));
  }
  return { y, log2SumExp2, gradients };
}
