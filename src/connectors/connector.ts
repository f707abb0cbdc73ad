/**
 * What a connector is: the trained map P1 from the image encoding to the LLM's embedding space.
 *
 * One file a connector stands beside this one; `connectors.ts` lists them by name.
 */
import type { Tensor } from "../gpu/program.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import type { Tape } from "../tensor/tape.ts";

/** Widths of a connector. */
export interface ConnectorWidths {
  /** Width of the image encoding, d_v. */
  vision: number;
  /** Width of the layer between, where there is one. */
  projector: number;
  /** Hidden size of the LLM, d. */
  hidden: number;
}

/** A connector. */
export interface Connector {
  name: string;
  /** The formula in one line, for reports. */
  formula: string;
  parameters(widths: ConnectorWidths): ParameterSpec[];
  /** z = P1(x): (image tokens, d_v) -> (image tokens, d). */
  trace(tape: Tape, x: Tensor, parameters: ReadonlyMap<string, Tensor>): Tensor;
}
