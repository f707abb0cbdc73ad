/**
 * Cosine constraint as the note writes it: the projection must point where the image encoding does.
 *
 *   L_cos = 1 - mean over image tokens of cos(R x, P1(x)),   R: d_v -> d
 *
 * The written cos(x, P1(x)) has no meaning where d_v and d differ. R, drawn once with orthonormal columns
 * and never trained, lifts x into the width of the LLM and keeps all of its angles, which is what the
 * formula asks for. x and R are fixed, so the gradient reaches P1 alone.
 *
 * Source: the project's founding note, "Regularising MLLM Alignment through Cosine Constrainment", its
 * formula; the lift is this project's.
 */
import { linear } from "../tensor/linear.ts";
import { cosineLoss } from "../tensor/losses.ts";
import { NO_OPTIONS, type Objective } from "./objective.ts";

/** 1 - cos(R x, P1(x)). */
export const cosineConstraintLifted: Objective = {
  name: "cosine-constraint-lifted",
  formula: "L_cos = 1 - cos(R x, P1(x)), R fixed with orthonormal columns",
  source: "the project's founding note, its formula with a lift from d_v to d",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters({ vision, hidden }) {
    if (vision > hidden) {
      throw new RangeError(
        `Cannot lift x for "cosine-constraint-lifted": its width ${vision} is more than the hidden size ${hidden}`,
      );
    }
    return [{
      name: "R",
      rows: hidden,
      columns: vision,
      initialisation: { kind: "orthonormal-columns" },
      fixed: true,
    }];
  },
  trace: (tape, { x, z, parameters }) =>
    cosineLoss(tape, linear(tape, x, parameters.get("R")!, { name: "lifted x" }), z),
};
