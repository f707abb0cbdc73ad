/** What the measurements of one record were made with and on. */
import { cpus } from "node:os";
import type { Gpu } from "../src/gpu/adapter.ts";
import type { KernelPlan, OperandForm } from "../src/gpu/plan.ts";
import { VERSION } from "../src/study/run_record.ts";
import { hasTimestamps } from "./measure.ts";
import { describeOrigin, type Origin } from "./origin.ts";

/** Machine, programs and settings of a record. */
export interface Environment extends Origin {
  versions: { plumbline: string; deno: string };
  processor: { model: string; threads: number };
  operandForm: OperandForm;
  /** Of the chosen form, shown as it is: its layout is the engine's affair. */
  plan: object;
  /** Whether the adapter gives GPU timestamps. */
  timestamps: boolean;
  /** Samples of each benchmark and form. */
  samples: number;
  /** Text that what was measured has in its name; empty for everything. */
  filter: string;
}

/** Describes where and how a record is about to be made. */
export async function describeEnvironment(
  { device, record, operandForm }: Gpu,
  plan: KernelPlan,
  { samples, filter }: { samples: number; filter: string },
): Promise<Environment> {
  return {
    ...await describeOrigin(record),
    versions: { plumbline: VERSION, deno: Deno.version.deno },
    processor: { model: cpus()[0]?.model.trim() ?? "unknown", threads: cpus().length },
    operandForm,
    plan,
    timestamps: hasTimestamps(device),
    samples,
    filter,
  };
}
