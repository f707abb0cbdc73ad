/** The two kernel plans that the benchmarks put beside each other. */
import type { Gpu } from "../src/gpu/adapter.ts";
import { defaultPlan, type KernelPlan } from "../src/gpu/plan.ts";

/** The plan that programs run with on an adapter. */
export function chosenPlan({ plan }: Gpu): KernelPlan {
  return plan;
}

/** The reference: the same arithmetic on storage buffers with the smallest register block. */
export function plainPlan({ record, plan: { lanes } }: Gpu): KernelPlan {
  const plan = defaultPlan("buffer", record.software, lanes);
  const smallest = [{ rows: 4, texels: 1, across: plan.lanes }];
  return { ...plan, blocks: { nt: smallest, nn: smallest, tn: smallest }, shapes: {} };
}
