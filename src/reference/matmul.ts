import type { Values } from "./values.ts";

/** Y is (m, n); the sum runs over k. */
export interface MatmulSize {
  m: number;
  k: number;
  n: number;
}

/**
 * How the operands lie in memory: N as it is, T transposed.
 *
 * | form | A | B | Y |
 * | --- | --- | --- | --- |
 * | NN | (m, k) | (k, n) | A B |
 * | NT | (m, k) | (n, k) | A B^T |
 * | TN | (k, m) | (k, n) | A^T B |
 */
export type MatmulForm = "NN" | "NT" | "TN";

/** The matrix product in one of its three forms. */
export function matmul(
  form: MatmulForm,
  a: Values,
  b: Values,
  { m, k, n }: MatmulSize,
): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let t = 0; t < k; t++) {
        const left = form === "TN" ? a[t * m + i] : a[i * k + t];
        const right = form === "NT" ? b[j * k + t] : b[t * n + j];
        sum += left * right;
      }
      y[i * n + j] = sum;
    }
  }
  return y;
}

/** Gradients by A and B, each in the layout of its operand. */
export function matmulBackward(
  form: MatmulForm,
  a: Values,
  b: Values,
  gradY: Values,
  { m, k, n }: MatmulSize,
): { gradA: Float64Array; gradB: Float64Array } {
  switch (form) {
    case "NN":
      return {
        gradA: matmul("NT", gradY, b, { m, k: n, n: k }),
        gradB: matmul("TN", a, gradY, { m: k, k: m, n }),
      };
    case "NT":
      return {
        gradA: matmul("NN", gradY, b, { m, k: n, n: k }),
        gradB: matmul("TN", gradY, a, { m: n, k: m, n: k }),
      };
    case "TN":
      return {
        gradA: matmul("NT", b, gradY, { m: k, k: n, n: m }),
        gradB: matmul("NN", a, gradY, { m: k, k: m, n }),
      };
  }
}
