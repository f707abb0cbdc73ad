/** Attention from the rows of one matrix to runs of rows of another, and gated residual branches. */
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "./elementwise.ts";
import type { HeadLayout } from "./heads.ts";
import { columnSum } from "./reduce.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** Which latents each row attends to: integers on the device. */
export interface Attended {
  /** Latents of a run. */
  latents: number;
  /** First latent of each row's run, or -1 where the row attends to nothing: (rows). */
  firstLatent: GPUBuffer;
  /** The rows that attend to each latent, first and one past the last: (all latents, 2). */
  readers: GPUBuffer;
}

/**
 * y = softmax(q k^T / sqrt(headDim)) v, each row over its own run of latents (arXiv 2204.14198, figure 4).
 *
 * @param q (rows, heads headWidth)
 * @param kv (all latents, 2 heads headWidth), keys and values side by side
 * @returns (rows, heads headWidth)
 */
export function crossAttention(
  tape: Tape,
  q: Tensor,
  kv: Tensor,
  { heads, headWidth, headDim }: Omit<HeadLayout, "kvHeads">,
  { latents, firstLatent, readers }: Attended,
): Tensor {
  const { rows, columns } = q;
  const y = tape.tensor("cross attention", rows, columns, q.needsGradient || kv.needsGradient);
  const logsumexp = tape.tensor("log2-sum-exp2", rows, 4 * heads);
  const scale = 1 / Math.sqrt(headDim);
  const sizes = { rows, heads, latents, scale, scale_log2e: scale * Math.LOG2E };
  const constants = { HEAD4: headWidth / 4 };
  const grid = (of: number): [number, number] => [rowGrid(tape, of)[0], heads];
  const products = (count: number) => 2 * count * rows * heads * latents * headDim;
  tape.dispatch("cross_attention_forward", {
    matrices: { q, kv, y, logsumexp },
    arrays: { first_latent: firstLatent },
    sizes,
    constants,
    grid: grid(rows),
    flops: products(2),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    const dq = tape.tensor("d queries", rows, columns);
    const terms = tape.tensor("cross attention terms", rows, 4 * heads);
    tape.dispatch("cross_attention_backward_query", {
      matrices: { q, kv, y, dy, logsumexp, dq, terms },
      arrays: { first_latent: firstLatent },
      sizes,
      constants,
      grid: grid(rows),
      flops: products(3),
    });
    tape.accumulate(q, (base) => base ? add(tape, base, dq) : dq);
    tape.accumulate(kv, (base) => {
      const dkv = tape.tensor("d keys and values", kv.rows, kv.columns);
      tape.dispatch("cross_attention_backward_key_value", {
        matrices: { q, kv, dy, terms, dkv },
        arrays: { readers },
        sizes: { ...sizes, latents: kv.rows },
        constants,
        grid: grid(kv.rows),
        flops: products(4),
      });
      return base ? add(tape, base, dkv) : dkv;
    });
  });
  return y;
}

/**
 * y = x + tanh(gate) u. At gate 0 y is x and nothing flows into u, bit for bit.
 *
 * @param x (rows, columns)
 * @param u (rows, columns)
 * @param gate (1, 1)
 */
export function gatedAdd(tape: Tape, x: Tensor, u: Tensor, gate: Tensor): Tensor {
  const { rows, columns, width4 } = x;
  const needsGradient = [x, u, gate].some((tensor) => tensor.needsGradient);
  const y = tape.tensor("gated sum", rows, columns, needsGradient);
  tape.dispatch("gated_add", {
    matrices: { x, u, gate, y },
    sizes: { rows, width4 },
    grid: rowGrid(tape, rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => base ? add(tape, base, dy) : dy);
    if (!u.needsGradient && !gate.needsGradient) return;
    const du = tape.tensor(`d ${u.name}`, rows, columns);
    const partial = tape.tensor("partial gate", rows, 1);
    tape.dispatch("gated_add_backward", {
      matrices: { u, gate, dy, du, partial },
      sizes: { rows, width4 },
      grid: rowGrid(tape, rows),
    });
    tape.accumulate(u, (base) => base ? add(tape, base, du) : du);
    tape.accumulate(gate, (base) => columnSum(tape, partial, base));
  });
  return y;
}

/**
 * The rows that attend to each latent, from what each row attends to: (all latents, 2).
 *
 * @param firstLatent First latent of each row's run, a multiple of `latents`, or -1.
 * @throws {RangeError} If the rows that attend to a run are not neighbours.
 */
export function readersOf(
  firstLatent: ArrayLike<number>,
  latents: number,
  allLatents: number,
): Int32Array {
  const readers = new Int32Array(2 * allLatents);
  for (let row = 0; row < firstLatent.length; row++) {
    const first = firstLatent[row];
    if (first < 0) continue;
    const [from, to] = [readers[2 * first], readers[2 * first + 1]];
    const isNew = to === 0;
    if (!isNew && to !== row) {
      throw new RangeError(
        `Cannot trace crossAttention: rows ${
          to - 1
        } and ${row} attend to latent ${first}, and those between do not`,
      );
    }
    for (let latent = first; latent < first + latents; latent++) {
      readers[2 * latent] = isNew ? row : from;
      readers[2 * latent + 1] = row + 1;
    }
  }
  return readers;
}
