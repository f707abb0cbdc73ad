/**
 * Cross-attention: each row attends to a run of rows of another matrix. Alayrac and others, "Flamingo", arXiv
 * 2204.14198, figure 4.
 */
import type { Values } from "./values.ts";

/** Heads side by side, `headWidth` columns each, and what rows attend to. */
export interface CrossAttentionSize {
  heads: number;
  headWidth: number;
  /** Scores are multiplied with it. */
  scale: number;
  latents: number;
  /** First latent of each row's run, or -1 for none. */
  first: ArrayLike<number>;
}

/**
 * y = softmax(scale q k^T) v, its log-sum-exp by row and head, and the pullback of its gradient.
 *
 * @param q (rows, heads headWidth)
 * @param kv (all latents, 2 heads headWidth), keys and values side by side
 */
export function crossAttention(
  q: Values,
  kv: Values,
  { heads, headWidth, scale, latents, first }: CrossAttentionSize,
) {
  const width = heads * headWidth;
  const rows = q.length / width;
  const y = new Float64Array(q.length);
  const logsumexp = new Float64Array(rows * heads);
  /** Probabilities by row, head and latent of the run. */
  const shares = new Float64Array(rows * heads * latents);
  const key = (row: number, h: number, t: number) => (first[row] + t) * 2 * width + h * headWidth;
  const each = (visit: (row: number, h: number) => void) => {
    for (let row = 0; row < rows; row++) {
      for (let h = 0; h < heads; h++) if (first[row] >= 0) visit(row, h);
    }
  };
  each((row, h) => {
    const at = row * width + h * headWidth, place = (row * heads + h) * latents;
    const scores = Float64Array.from({ length: latents }, (_, t) => {
      let score = 0;
      for (let e = 0; e < headWidth; e++) score += q[at + e] * kv[key(row, h, t) + e];
      return scale * score;
    });
    const most = Math.max(...scores);
    const sum = scores.reduce((total, score) => total + Math.exp(score - most), 0);
    logsumexp[row * heads + h] = most + Math.log(sum);
    scores.forEach((score, t) => {
      const share = shares[place + t] = Math.exp(score - most) / sum;
      for (let e = 0; e < headWidth; e++) y[at + e] += share * kv[key(row, h, t) + width + e];
    });
  });
  return {
    y,
    logsumexp,
    backward(dy: Values) {
      const dq = new Float64Array(q.length), dkv = new Float64Array(kv.length);
      const delta = new Float64Array(rows * heads);
      each((row, h) => {
        const at = row * width + h * headWidth, place = (row * heads + h) * latents;
        for (let e = 0; e < headWidth; e++) delta[row * heads + h] += dy[at + e] * y[at + e];
        for (let t = 0; t < latents; t++) {
          const from = key(row, h, t), share = shares[place + t];
          let along = 0;
          for (let e = 0; e < headWidth; e++) along += dy[at + e] * kv[from + width + e];
          const ds = share * (along - delta[row * heads + h]) * scale;
          for (let e = 0; e < headWidth; e++) {
            dq[at + e] += ds * kv[from + e];
            dkv[from + e] += ds * q[at + e];
            dkv[from + width + e] += share * dy[at + e];
          }
        }
      });
      return { dq, dkv, delta };
    },
  };
}
