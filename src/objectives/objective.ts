/**
 * What an objective is: the regulariser L_cos that is added to the token loss, L = L_TP + lambda L_cos.
 *
 * One file a loss stands beside this one; `objectives.ts` lists them by name.
 */
import type { Tensor } from "../gpu/program.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import type { Tape } from "../tensor/tape.ts";

/** Widths that an objective's own parameters depend on. */
export interface ObjectiveWidths {
  /** Width of the image encoding, d_v. */
  vision: number;
  /** Hidden size of the LLM, d. */
  hidden: number;
}

/** What an objective looks at. */
export interface ObjectiveInputs {
  /** The frozen image encoding, (image tokens, d_v). */
  x: Tensor;
  /** Its projection z = P1(x), (image tokens, d). */
  z: Tensor;
  /** The objective's own parameters by name. */
  parameters: ReadonlyMap<string, Tensor>;
}

/** A regulariser of the projector. */
export interface Objective {
  name: string;
  /** The formula in one line, for reports. */
  formula: string;
  /** Where it comes from. */
  source: string;
  /** Parameters that are trained with it and thrown away afterwards. */
  parameters(widths: ObjectiveWidths): ParameterSpec[];
  /** Traces the loss: (image tokens, 4) with the row's loss in column 0, or nothing. */
  trace(tape: Tape, inputs: ObjectiveInputs): Tensor | undefined;
}
