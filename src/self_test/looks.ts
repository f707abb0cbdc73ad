/** Attention to pictures beside the sequence, and the gates of its residual branches. */
import { crossAttention as reference } from "../reference/cross_attention.ts";
import { dot, row } from "../reference/values.ts";
import { crossAttention, gatedAdd, readersOf } from "../tensor/cross_attention.ts";
import type { Bench } from "./bench.ts";
import { headsOf, LAYOUT, quadruples, ROWS, WIDTH } from "./sizes.ts";

const LATENTS = 5;
const ALL = LAYOUT.batch * LATENTS;
const OF_PICTURE = ROWS / LAYOUT.batch;

/** Rows of three pictures, some of which look at nothing. */
export function crossAttentionCase(bench: Bench): void {
  const { tape, draw, matrix, ints, backward, commands, expect } = bench;
  const { heads, headWidth, headDim } = headsOf(bench.constants.HEAD4);
  const width = heads * headWidth;
  const padded = (rows: number, columns: number) =>
    draw(rows * columns).map((value, i) => i % headWidth < headDim ? value : 0);
  const q = matrix(ROWS, width, padded(ROWS, width));
  const kv = matrix(ALL, 2 * width, padded(ALL, 2 * width));
  const dy = matrix(ROWS, width, padded(ROWS, width));
  const first = Int32Array.from(
    { length: ROWS },
    (_, r) => r % OF_PICTURE < 2 ? -1 : Math.floor(r / OF_PICTURE) * LATENTS,
  );
  const y = crossAttention(tape, q.tensor, kv.tensor, { heads, headWidth, headDim }, {
    latents: LATENTS,
    firstLatent: ints(first),
    readers: ints(readersOf(first, LATENTS, ALL)),
  });
  backward(y, dy.tensor);
  const scale = 1 / Math.sqrt(headDim);
  const wanted = reference(q.values, kv.values, {
    heads,
    headWidth,
    scale,
    latents: LATENTS,
    first,
  });
  const { dq, dkv, delta } = wanted.backward(dy.values);
  const [{ matrices: { logsumexp } }] = commands("cross_attention_forward");
  const [{ matrices: { terms } }] = commands("cross_attention_backward_query");
  const log = (r: number, h: number) => wanted.logsumexp[r * heads + h] * Math.LOG2E;
  const perHead = (of: (r: number, h: number) => number[]) =>
    quadruples((r) => Array.from({ length: heads }, (_, h) => of(r, h)).flat());
  expect("cross_attention_forward", y, wanted.y);
  expect("cross_attention_forward", logsumexp, perHead((r, h) => Array(4).fill(log(r, h))));
  expect("cross_attention_backward_query", tape.gradientOf(q.tensor)!, dq);
  expect(
    "cross_attention_backward_query",
    terms,
    perHead((r, h) => [log(r, h), delta[r * heads + h], 0, 0]),
  );
  expect("cross_attention_backward_key_value", tape.gradientOf(kv.tensor)!, dkv);
}

/** A branch behind a half-open gate. */
export function gatedAddCase(bench: Bench): void {
  const { tape, random, matrix, backward, commands, expect } = bench;
  const [x, u, dy] = [random(ROWS, WIDTH), random(ROWS, WIDTH), random(ROWS, WIDTH)];
  const gate = matrix(1, 1, [0.7]);
  const y = gatedAdd(tape, x.tensor, u.tensor, gate.tensor);
  backward(y, dy.tensor);
  const open = Math.tanh(gate.values[0]);
  const [{ matrices: { partial } }] = commands("gated_add_backward");
  expect("gated_add", y, x.values.map((value, i) => value + open * u.values[i]));
  expect("gated_add_backward", tape.gradientOf(u.tensor)!, dy.values.map((value) => open * value));
  expect(
    "gated_add_backward",
    partial,
    Array.from(
      { length: ROWS },
      (_, r) => (1 - open ** 2) * dot(row(dy.values, r, WIDTH), row(u.values, r, WIDTH)),
    ),
  );
}
