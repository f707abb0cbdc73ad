/** Checks kernel plans that come from disk. */
import { z } from "zod";
import type { KernelPlan, ProductBlock } from "../gpu/plan.ts";

const size = z.int().positive();

/** A block of a product. */
export const blockSchema: z.ZodType<ProductBlock> = z.strictObject({
  rows: size,
  texels: size,
  across: size,
  tile: z.strictObject({ depth: size, half: z.boolean() }).optional(),
});

const blocks = z.array(blockSchema).min(1);

/** A kernel plan. */
export const planSchema: z.ZodType<KernelPlan> = z.strictObject({
  form: z.enum(["image", "buffer"]),
  lanes: size,
  blocks: z.strictObject({ nt: blocks, nn: blocks, tn: blocks }),
  shapes: z.record(z.string(), blockSchema),
});
