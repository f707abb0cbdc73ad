/**
 * What a connector is: the trained map P1 from the image encoding to the LLM's embedding space, and how
 * the LLM reads what it gives.
 *
 * One file a connector stands beside this one; `connectors.ts` lists them by name.
 */
import type { Tensor } from "../gpu/tensor.ts";
import type { GatedHeads } from "../nn/gated_cross_attention.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import type { Attended } from "../tensor/cross_attention.ts";
import type { Tape } from "../tensor/tape.ts";

/** Widths of a connector. */
export interface ConnectorWidths {
  /** Width of the image encoding, d_v. */
  vision: number;
  /** Width of the layer between, where there is one. */
  projector: number;
  /** Image tokens of a picture. */
  tokens: number;
  /** Hidden size of the LLM, d. */
  hidden: number;
  /** Layers of the LLM, and its heads with widths that are multiples of four. */
  layers: number;
  heads: GatedHeads;
}

/** What a layer of the LLM looks at a picture with. */
export interface Look {
  /** States that the layer is about to read, (rows, d). */
  h: Tensor;
  /** z = P1(x), (image tokens, d). */
  z: Tensor;
  /** The connector's own parameters by name. */
  parameters: ReadonlyMap<string, Tensor>;
  heads: GatedHeads;
  /** The image tokens of each row's picture. */
  attended: Attended;
}

/** A connector. */
export interface Connector {
  name: string;
  /** The formula in one line. */
  formula: string;
  parameters(widths: ConnectorWidths): ParameterSpec[];
  /** z = P1(x): (image tokens, d_v) -> (image tokens, d). */
  trace(tape: Tape, x: Tensor, parameters: ReadonlyMap<string, Tensor>): Tensor;
  /**
   * How a layer of the LLM looks at z before it works: (rows, d) -> (rows, d). Where it is absent, z stands
   * in front of the questions as image tokens; else the questions stand alone.
   */
  look?(tape: Tape, layer: number, look: Look): Tensor;
}
