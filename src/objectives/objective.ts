/**
 * What an objective is: the regulariser L_cos that is added to the token loss, L = L_TP + lambda L_cos.
 *
 * One file a loss stands beside this one; `objectives.ts` lists them by name.
 */
import { z } from "zod";
import type { Tensor } from "../gpu/tensor.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import type { Tape } from "../tensor/tape.ts";

/** What an objective's own parameters depend on. */
export interface ObjectiveWidths {
  /** Width of the image encoding, d_v. */
  vision: number;
  /** Hidden size of the LLM, d. */
  hidden: number;
  /** Standard deviation of the LLM's text embeddings, mean over their columns. */
  textDeviation(): number;
}

/** What an objective looks at. */
export interface ObjectiveInputs<Options = unknown> {
  /** The frozen image encoding, (image tokens, d_v). */
  x: Tensor;
  /** Its projection z = P1(x), (image tokens, d). */
  z: Tensor;
  /** The objective's own parameters by name. */
  parameters: ReadonlyMap<string, Tensor>;
  /** What the study chose, or its defaults. */
  options: Options;
}

/** A regulariser of the projector. */
export interface Objective<Options = unknown> {
  name: string;
  /** The formula in one line. */
  formula: string;
  /** Where it comes from. */
  source: string;
  /** What a study may choose, with defaults for all of it. */
  options: z.ZodType<Options>;
  /**
   * Parameters that are trained with it, or fixed. They are saved beside the record, and no answer
   * depends on them. A stage's `train` and `draw` call all of them `P2`, whatever their names.
   *
   * @throws {RangeError} If it has no meaning for these widths.
   */
  parameters(widths: ObjectiveWidths, options: Options): ParameterSpec[];
  /** What a row of the traced loss is: an image token, or a column of z over all tokens of a batch. */
  rows: "tokens" | "columns";
  /**
   * Traces the loss: (rows, 4), whose first column has L_cos as its mean; or nothing. Gradients are
   * weighed by the step's lambda.
   */
  trace(tape: Tape, inputs: ObjectiveInputs<Options>): Tensor | undefined;
}

/** Options of an objective that has none. */
export const NO_OPTIONS: z.ZodType<Record<string, never>> = z.strictObject({});
