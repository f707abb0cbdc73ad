/**
 * VICReg on the projection: its columns must keep their variance and be uncorrelated.
 *
 *   L_cos = mean over columns j of  mu max(0, gamma - sqrt(C_jj + 1e-4)) + nu sum over k != j of C_jk^2
 *
 * with C the covariance of the image tokens of a batch. Nothing is detached; gamma is fixed, and nothing else is a parameter.
 *
 * Source: Bardes, Ponce and LeCun, "VICReg: Variance-Invariance-Covariance Regularization for
 * Self-Supervised Learning", arXiv 2105.04906, equations 1 to 4, without the invariance term, for there
 * are no two views. mu = 25 and nu = 1 are the paper's. Its gamma, 1, would force the projection to norms near
 * the root of its width, far from the text embeddings beside which the LLM reads it; so gamma is the
 * standard deviation of the text embeddings here, mean over their columns, unless a study gives a number.
 */
import { z } from "zod";
import { vicregLoss } from "../tensor/vicreg.ts";
import type { Objective } from "./objective.ts";

const options = z.strictObject({
  /** mu. */
  variance: z.number().min(0).default(25),
  /** nu. */
  covariance: z.number().min(0).default(1),
  gamma: z.union([z.literal("text"), z.number().positive()]).default("text"),
});

/** Variance and covariance of P1(x). */
export const vicreg: Objective<z.infer<typeof options>> = {
  name: "vicreg",
  formula: "L_cos = mu v(P1(x)) + nu c(P1(x)), the variance and covariance terms of VICReg",
  source: "arXiv 2105.04906, equations 1 to 4",
  options,
  rows: "columns",
  parameters: ({ textDeviation }, { gamma }) => [{
    name: "gamma",
    rows: 1,
    columns: 1,
    initialisation: { kind: "constant", value: gamma === "text" ? textDeviation() : gamma },
    fixed: true,
  }],
  trace: (tape, { z, parameters, options }) =>
    vicregLoss(tape, z, parameters.get("gamma")!, options),
};
