/** The numbers of the one step that all cases share. */
import type { StepNumbers } from "../gpu/engine.ts";
import { biasCorrection } from "../nn/schedule.ts";

/** Updates before this one. */
export const UPDATES = 2;

/** Settings of AdamW's two groups: the first is clipped and decays, the second does neither. */
export const GROUPS = [
  { lr: 0.1, weightDecay: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, clip: 1 },
  { lr: 0.05, weightDecay: 0, beta1: 0.8, beta2: 0.95, eps: 1e-6, clip: 0 },
] as const;

const ofGroups = (value: (group: typeof GROUPS[number]) => number): [number, number] => [
  value(GROUPS[0]),
  value(GROUPS[1]),
];

/** Slot 1 of the ring, which is also the second token that is decoded. */
export const STEP = {
  learningRate: ofGroups(({ lr }) => lr),
  correction1: ofGroups(({ beta1 }) => biasCorrection(beta1, UPDATES + 1)),
  correction2: ofGroups(({ beta2 }) => biasCorrection(beta2, UPDATES + 1)),
  lambda: 0.5,
  tokenScale: 0.25,
  slot: 1,
  number: UPDATES,
  seed: 3_000_000_000,
} satisfies StepNumbers;
