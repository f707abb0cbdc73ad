import assert from "node:assert/strict";
import { headLayout } from "../../src/models/llama_config.ts";
import { sequencePositions } from "../../src/tensor/attention.ts";
import { ropeTable } from "../../src/tensor/rope.ts";
import {
  answerPlaces,
  attentionBias,
  rotations,
  stepBatch,
  stepConfig,
  type StepShape,
  textTokens,
} from "./step_task.ts";

const task: StepShape = { config: stepConfig(32), packed: stepBatch() };
const { layout, decoder } = task.config;
const length = layout.prefix + layout.blocks * layout.block;

Deno.test("text tokens are the packed ones without the image tokens", () => {
  const tokens = textTokens(task);
  const { sources } = task.packed;
  assert.equal(tokens.length, sources.filter((source) => source >= 0).length);
  assert.equal(tokens[0], sources[layout.prefix]);
  assert.equal(tokens.at(-1), sources.at(-1));
});

Deno.test("a place sees the image before it and, of its own question, what lies before it", () => {
  const bias = attentionBias(task);
  const sees = (row: number, column: number) => bias[row * length + column] === 0;
  const second = layout.prefix + layout.block;
  assert.ok(sees(second, 0) && sees(second, layout.prefix - 1) && sees(second, second));
  assert.ok(!sees(second, second - 1), "the question before it");
  assert.ok(!sees(second, second + 1), "what comes later");
  assert.ok(!sees(3, 4) && sees(4, 3), "the image is causal too");
  assert.ok(!sees(layout.prefix - 1, layout.prefix), "the image sees no question");
  const seen = bias.filter((value) => value === 0).length;
  const { prefix, blocks, block } = layout;
  const triangle = (n: number) => n * (n + 1) / 2;
  assert.equal(seen, triangle(prefix) + blocks * (block * prefix + triangle(block)));
});

Deno.test("rotations are those of our own table", () => {
  const { cos, sin } = rotations(task);
  const heads = headLayout(decoder);
  const positions = sequencePositions(layout);
  const table = ropeTable(layout.prefix + layout.block, heads, decoder.rope_theta);
  const pairs = decoder.head_dim / 2;
  assert.equal(cos.length, length * pairs);
  cos.forEach((value, i) => {
    const at = positions[Math.floor(i / pairs)] * heads.headWidth + 2 * (i % pairs);
    assert.ok(Math.abs(value - table[at]) < 1e-6 && Math.abs(sin[i] - table[at + 1]) < 1e-6);
  });
});

Deno.test("answers lie at the same places of every question, or slicing them is refused", () => {
  assert.deepEqual(answerPlaces(task), [9, 10]);
  const answerRows = task.packed.answerRows.slice();
  answerRows[5]--;
  assert.throws(
    () => answerPlaces({ ...task, packed: { ...task.packed, answerRows } }),
    new RangeError("Cannot slice answers: question 2 of picture 0 is shorter"),
  );
});
