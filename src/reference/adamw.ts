/** AdamW, decoupled weight decay: Loshchilov and Hutter, arXiv 1711.05101. */
import type { Values } from "./values.ts";

/** Settings of a group of parameters. */
export interface AdamwGroup {
  lr: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  /** Added outside the root. */
  eps: number;
}

/** A parameter with its moments. */
export interface AdamwState {
  parameter: Float64Array;
  /** Running mean of the gradient. */
  m: Float64Array;
  /** Running mean of its square. */
  v: Float64Array;
}

/** A parameter before its first step. */
export function adamwStart(parameter: Values): AdamwState {
  return {
    parameter: Float64Array.from(parameter),
    m: new Float64Array(parameter.length),
    v: new Float64Array(parameter.length),
  };
}

/**
 * One step. `step` counts from 0, also through steps whose `lr` is 0.
 *
 * p = p (1 - lr wd); m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t = step + 1.
 */
export function adamwStep(
  state: AdamwState,
  gradient: Values,
  step: number,
  { lr, weightDecay, beta1, beta2, eps }: AdamwGroup,
): AdamwState {
  const t = step + 1;
  const m = state.m.map((m, i) => beta1 * m + (1 - beta1) * gradient[i]);
  const v = state.v.map((v, i) => beta2 * v + (1 - beta2) * gradient[i] ** 2);
  const parameter = state.parameter.map((p, i) => {
    const denominator = Math.sqrt(v[i] / (1 - beta2 ** t)) + eps;
    return p * (1 - lr * weightDecay) -
      lr * (m[i] / (1 - beta1 ** t)) / denominator;
  });
  return { parameter, m, v };
}

/** The norm of all gradients taken together. */
export function globalNorm(gradients: Values[]): number {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i] ** 2;
  }
  return Math.sqrt(squares);
}

/** What gradients of this norm are multiplied by; null does not clip. */
export function clipFactor(norm: number, clip: number | null): number {
  return clip === null ? 1 : Math.min(1, clip / (norm + 1e-6));
}

/** Linear warm-up from 0, then half a cosine down to 0; a factor of the learning rate. */
export function warmupCosine(
  step: number,
  warmupSteps: number,
  steps: number,
): number {
  if (step < warmupSteps) return step / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return Math.max(0, (1 + Math.cos(Math.PI * progress)) / 2);
}
