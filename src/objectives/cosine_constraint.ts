/**
 * Cosine constraint: the projection must stay decodable to the image encoding's direction.
 *
 *   L_cos = 1 - mean over image tokens of cos(x, P2(P1(x))),   P2: d -> d_v
 *
 * The plain cos(x, P1(x)) has no meaning where d_v and d differ, so a second MLP leads back to the
 * width of x. Nothing is detached; x is frozen, so gradients reach P2 and, through it, P1.
 *
 * Source: the project's founding note, "Regularising MLLM Alignment through Cosine Constrainment",
 * as its diagram draws it.
 */
import { mlp, mlpSpecs } from "../nn/mlp.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { NO_OPTIONS, type Objective } from "./objective.ts";

/** 1 - cos(x, P2(P1(x))). */
export const cosineConstraint: Objective = {
  name: "cosine-constraint",
  formula: "L_cos = 1 - cos(x, P2(P1(x)))",
  source: "the project's founding note, P2 as drawn (d -> d_v)",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters: ({ vision, hidden }) => mlpSpecs("P2", { in: hidden, hidden, out: vision }),
  trace: (tape, { x, z, parameters }) => cosineLoss(tape, mlp(tape, "P2", z, parameters), x),
};
