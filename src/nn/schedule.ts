/** Learning-rate schedules. */

/**
 * Linear warm-up, then cosine decay to zero, as a factor of the learning rate.
 * The first warm-up step has factor 0.
 *
 * @param step counted from 0
 */
export function warmupCosine(step: number, steps: number, warmup: number): number {
  if (step < warmup) return step / warmup;
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** AdamW's bias corrections after `t` updates (t from 1): 1 / (1 - beta^t). */
export function biasCorrection(beta: number, t: number): number {
  return 1 / (1 - beta ** t);
}
