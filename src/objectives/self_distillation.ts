/**
 * Self-distillation: the projection must be stable under a further projection.
 *
 *   L_cos = 1 - mean over image tokens of cos(P1(x), P2(P1(x))),   P2: d -> d
 *
 * As written: gradient through both sides of the cosine, nothing detached. Nothing in it forbids
 * that all projections fall into one cone, which makes the loss small without any structure.
 *
 * Source: the project's founding note, "Regularising MLLM Alignment through Self-Distillation".
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { NO_OPTIONS, type Objective } from "./objective.ts";

/** 1 - cos(P1(x), P2(P1(x))). */
export const selfDistillation: Objective = {
  name: "self-distillation",
  formula: "L_cos = 1 - cos(P1(x), P2(P1(x)))",
  source: "the project's founding note, gradient through both sides",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters: ({ hidden }) => mlpSpecs("P2", { in: hidden, hidden, out: hidden }),
  trace: (tape, { z, parameters }) => cosineLoss(tape, z, mlp(tape, "P2", z, parameters)),
};
