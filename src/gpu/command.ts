/** Commands: what a program is recorded from, before its memory is planned. */
import type { Constants } from "./template.ts";
import type { Tensor } from "./tensor.ts";

/** One dispatch. */
export interface Command {
  kernel: string;
  constants: Constants;
  matrices: Record<string, Tensor>;
  arrays: Record<string, GPUBuffer>;
  sizes: Record<string, number>;
  /** Workgroups. */
  grid: [number, number];
  /** Floating-point operations, for profiles. */
  flops: number;
}
