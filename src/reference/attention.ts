/**
 * Masked attention with grouped key and value heads: Vaswani et al., arXiv 1706.03762; Ainslie et
 * al., arXiv 2305.13245.
 */
import { softmax, softmaxBackward } from "./softmax.ts";
import { dot, row, type Values } from "./values.ts";

/** Sizes of one sequence. */
export interface AttentionSize {
  /** Query heads. */
  heads: number;
  /** Query head h reads key and value head floor(h / (heads / kvHeads)). */
  kvHeads: number;
  tokens: number;
  headDim: number;
}

/** Whether the query at one position may see the key at another. */
export type Mask = (query: number, key: number) => boolean;

/** Every token sees itself and what is before it. */
export const causal: Mask = (query, key) => key <= query;

/** Every token sees all. */
export const full: Mask = () => true;

/** Segment of the tokens that every question sees. */
export const PREFIX = -1;

/**
 * The mask of packed questions: `segment[i]` is {@linkcode PREFIX} or the question of token i. A
 * token sees the prefix and its own question, never what is after it.
 */
export function prefixBlocks(segment: Values): Mask {
  return (query, key) =>
    key <= query &&
    (segment[key] === PREFIX || segment[key] === segment[query]);
}

/**
 * y = softmax(q k^T / sqrt(headDim), mask) v: q and y (heads, tokens, headDim), k and v (kvHeads,
 * tokens, headDim). `probabilities` is (heads, tokens, tokens).
 */
export function attention(
  q: Values,
  k: Values,
  v: Values,
  size: AttentionSize,
  mask: Mask,
): { y: Float64Array; probabilities: Float64Array } {
  const { heads, tokens, headDim } = size;
  const scores = new Float64Array(heads * tokens * tokens).fill(-Infinity);
  forEachPair(size, mask, (query, key, at) => {
    scores[at] = dot(row(q, query, headDim), row(k, key, headDim)) /
      Math.sqrt(headDim);
  });
  const probabilities = softmax(scores, tokens);
  const y = new Float64Array(q.length);
  forEachPair(
    size,
    mask,
    (query, key, at) => addTo(y, query, probabilities[at], v, key, headDim),
  );
  return { y, probabilities };
}

/** Gradients of {@linkcode attention}; a key head's is the sum over the query heads that read it. */
export function attentionBackward(
  q: Values,
  k: Values,
  v: Values,
  gradY: Values,
  size: AttentionSize,
  mask: Mask,
): { gradQ: Float64Array; gradK: Float64Array; gradV: Float64Array } {
  const { tokens, headDim } = size;
  const { probabilities } = attention(q, k, v, size, mask);
  const gradProbabilities = new Float64Array(probabilities.length);
  const gradV = new Float64Array(v.length);
  forEachPair(size, mask, (query, key, at) => {
    gradProbabilities[at] = dot(
      row(gradY, query, headDim),
      row(v, key, headDim),
    );
    addTo(gradV, key, probabilities[at], gradY, query, headDim);
  });
  const gradScores = softmaxBackward(probabilities, gradProbabilities, tokens);
  const gradQ = new Float64Array(q.length);
  const gradK = new Float64Array(k.length);
  forEachPair(size, mask, (query, key, at) => {
    const grad = gradScores[at] / Math.sqrt(headDim);
    addTo(gradQ, query, grad, k, key, headDim);
    addTo(gradK, key, grad, q, query, headDim);
  });
  return { gradQ, gradK, gradV };
}

/** (tokens, heads * headDim) to (heads, tokens, headDim). */
export function splitHeads(
  x: Values,
  heads: number,
  headDim: number,
): Float64Array {
  const tokens = x.length / (heads * headDim);
  return reorder(x, tokens, heads, headDim);
}

/** (heads, tokens, headDim) to (tokens, heads * headDim). */
export function mergeHeads(
  x: Values,
  heads: number,
  headDim: number,
): Float64Array {
  const tokens = x.length / (heads * headDim);
  return reorder(x, heads, tokens, headDim);
}

/** (outer, inner, width) to (inner, outer, width). */
function reorder(
  x: Values,
  outer: number,
  inner: number,
  width: number,
): Float64Array {
  const y = new Float64Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      y.set(row(x, o * inner + i, width), (i * outer + o) * width);
    }
  }
  return y;
}

/** Calls with the rows of each visible query and key, and the index of their score. */
function forEachPair(
  { heads, kvHeads, tokens }: AttentionSize,
  mask: Mask,
  visit: (query: number, key: number, score: number) => void,
): void {
  for (let h = 0; h < heads; h++) {
    const kvHead = Math.floor(h / (heads / kvHeads));
    for (let i = 0; i < tokens; i++) {
      for (let j = 0; j < tokens; j++) {
        if (mask(i, j)) {
          visit(
            h * tokens + i,
            kvHead * tokens + j,
            (h * tokens + i) * tokens + j,
          );
        }
      }
    }
  }
}

/** target[row] += factor * source[sourceRow]. */
function addTo(
  target: Float64Array,
  targetRow: number,
  factor: number,
  source: Values,
  sourceRow: number,
  width: number,
): void {
  for (let d = 0; d < width; d++) {
    target[targetRow * width + d] += factor * source[sourceRow * width + d];
  }
}
