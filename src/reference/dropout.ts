/** Inverted dropout: Srivastava et al., JMLR 15, 2014. */
import type { Values } from "./values.ts";

/** What a mask is drawn from. */
export interface MaskKey {
  /** Of the run. */
  seed: number;
  /** Number of the step. */
  step: number;
  /** Number of the place in the model. */
  site: number;
}

/** x times 1 / (1 - rate) where it is kept, else 0: x (rows, columns). */
export function dropout(x: Values, columns: number, rate: number, key: MaskKey): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const word = randomWord(Math.floor(i / columns), i % columns, key);
    return word < Math.round(rate * 2 ** 32) ? 0 : value / (1 - rate);
  });
}

/** A random 32-bit word for an element: one of the four of its group of four columns. */
export function randomWord(row: number, column: number, { seed, step, site }: MaskKey): number {
  const group = site * 2 ** 16 + Math.floor(column / 4);
  return pcg4d([group, row, step, seed])[column % 4];
}

/** Four words from four: Jarzynski and Olano, JCGT 9(3), 2020. */
function pcg4d(key: number[]): number[] {
  const v = Uint32Array.from(key, (word) => Math.imul(word, 1664525) + 1013904223);
  const mix = () => {
    for (const [to, a, b] of [[0, 1, 3], [1, 2, 0], [2, 0, 1], [3, 1, 2]]) {
      v[to] += Math.imul(v[a], v[b]);
    }
  };
  mix();
  for (let i = 0; i < 4; i++) v[i] ^= v[i] >>> 16;
  mix();
  return [...v];
}
