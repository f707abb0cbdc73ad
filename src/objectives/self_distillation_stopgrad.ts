/**
 * Self-distillation with a stop-gradient on the target.
 *
 *   L_cos = 1 - mean over image tokens of cos(stop(P1(x)), P2(P1(x))),   P2: d -> d
 *
 * The target, P1(x) on the left, is detached; the gradient reaches P2 and, through it, P1. It is the
 * remedy of SimSiam (arXiv 2011.10566, section 3, equation 3) against the collapse that the loss as
 * written allows.
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { NO_OPTIONS, type Objective } from "./objective.ts";

/** 1 - cos(stop(P1(x)), P2(P1(x))). */
export const selfDistillationStopgrad: Objective = {
  name: "self-distillation-stopgrad",
  formula: "L_cos = 1 - cos(stop(P1(x)), P2(P1(x)))",
  source: "the project's founding note with the stop-gradient of SimSiam (arXiv 2011.10566)",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters: ({ hidden }) => mlpSpecs("P2", { in: hidden, hidden, out: hidden }),
  trace: (tape, { z, parameters }) =>
    cosineLoss(tape, z, mlp(tape, "P2", z, parameters), { x: true }),
};
