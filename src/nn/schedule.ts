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

/**
 * Linear warm-up, a constant rate, and linear decay to zero over the last steps, as a factor of the
 * learning rate (WSD, arXiv 2404.06395, section 4). Until the decay nothing depends on how many steps
 * there are, so a training can be made longer before it comes.
 *
 * @param step counted from 0
 * @param decay Steps of the decay.
 */
export function warmupStableDecay(
  step: number,
  steps: number,
  warmup: number,
  decay: number,
): number {
  if (step < warmup) return step / warmup;
  return Math.min(1, (steps - step) / Math.max(1, decay));
}

/** Linear warm-up, then a constant rate. */
function warmupConstant(step: number, _steps: number, warmup: number): number {
  return step < warmup ? step / warmup : 1;
}

/** Schedules of a stage by name. */
export const SCHEDULES = { cosine: warmupCosine, constant: warmupConstant } as const;

/** AdamW's bias corrections after `t` updates (t from 1): 1 / (1 - beta^t). */
export function biasCorrection(beta: number, t: number): number {
  return 1 / (1 - beta ** t);
}

/** How lambda, the weight of L_cos, goes over the steps of a stage, as factors of it, by name. */
export const LAMBDA_SCHEDULES = {
  constant: () => 1,
  /** Rises linearly from 0 over the first half. */
  "warm-up": (step: number, steps: number) => Math.min(1, 2 * step / steps),
  /** Falls to 0 by half a cosine. */
  cosine: (step: number, steps: number) => 0.5 * (1 + Math.cos(Math.PI * step / steps)),
} as const satisfies Record<string, (step: number, steps: number) => number>;
