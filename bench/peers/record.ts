/** The record of a comparison: all that a table is made of. */
import type { AdapterRecord } from "../../src/gpu/adapter_info.ts";
import type { Origin } from "../origin.ts";
import type { Side } from "./alternate.ts";
import type { KernelName, PeerName } from "./kernels.ts";
import type { BlasCores } from "./peers.ts";

/** Version of the record's layout; raised when a field changes its meaning. */
export const SCHEMA_VERSION = 1;

/** One side of a comparison. */
export interface ComparedSide extends Side {
  /** Largest relative error against the reference; null where the side is the reference. */
  error: number | null;
  /** Of a product. */
  gflops?: number;
  /** Losses of the first steps of a training. */
  losses?: { tokenLoss: number[]; cosineLoss: number[] };
}

/** A kernel at a shape beside one peer. */
export interface Comparison {
  kernel: KernelName;
  shape: string;
  peer: PeerName;
  /** Our throughput over the peer's: median over alternations. */
  ratio: number;
  /** Interval of the median between order statistics, and how surely it covers the true one. */
  low: number;
  high: number;
  coverage: number;
  alternations: number;
  ours: ComparedSide;
  theirs: ComparedSide;
}

/** A comparison that could not be made. */
export interface Failure {
  kernel: KernelName;
  shape: string;
  peer: PeerName;
  /** Why, in one line. */
  error: string;
}

/** Everything that a run of the comparison found. */
export interface PeersRecord {
  schemaVersion: number;
  /** Absent from older records. */
  environment?: Origin;
  /** What the adapter calls itself. */
  adapter: string;
  /** More about it. */
  adapterDetails: AdapterRecord;
  machine: { processor: string; threads: number; system: string; deno: string };
  blas: BlasCores;
  /** What the losses of a training are checked against. */
  trainingReference: string | null;
  /** Alternations that were asked for. */
  alternations: number;
  ours: { version: string };
  /** Versions of the peers that could be opened. */
  peers: Partial<Record<PeerName, string>>;
  ratios: Comparison[];
  failures: Failure[];
}
