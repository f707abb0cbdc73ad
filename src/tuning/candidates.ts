/** The blocks that the tuner may try. */
import type { Engine } from "../gpu/engine.ts";
import { type ProductBlock, tileBytes } from "../gpu/plan.ts";

// Larger blocks are no faster on lavapipe, and take longer to compile.
const LARGEST_BLOCK = 64;

/**
 * Register blocks of a software adapter, which has nothing to share between lanes.
 *
 * @param lanes of a workgroup
 */
export function registerBlocks(lanes: number): ProductBlock[] {
  const blocks: ProductBlock[] = [];
  for (const rows of [4, 8, 16, 32]) {
    for (const texels of [1, 2, 4]) {
      for (const across of new Set([4, 8, lanes])) {
        if (rows * texels <= LARGEST_BLOCK && lanes % across === 0) {
          blocks.push({ rows, texels, across });
        }
      }
    }
  }
  return blocks;
}

/** Register blocks and shared tiles for a GPU; with `half`, tiles of float16 too. */
export function gpuBlocks(lanes: number, half: boolean): ProductBlock[] {
  const blocks: ProductBlock[] = [
    { rows: 4, texels: 1, across: lanes },
    { rows: 8, texels: 1, across: lanes },
  ];
  const across = Math.max(1, 2 ** Math.floor(Math.log2(lanes) / 2));
  for (const [rows, texels] of [[4, 1], [8, 1], [8, 2]]) {
    for (const depth of [8, 16, 32]) {
      for (const float16 of half ? [false, true] : [false]) {
        blocks.push({ rows, texels, across, tile: { depth, half: float16 } });
      }
    }
  }
  return blocks;
}

/** Blocks that an engine's device can run. */
export function candidateBlocks(
  { device, plan }: Engine,
  half: boolean,
): ProductBlock[] {
  // A product behind SwiGLU takes two groups of columns at least.
  const fits = (block: ProductBlock) =>
    tileBytes({ ...block, texels: Math.max(2, block.texels) }, plan.lanes) <=
      device.limits.maxComputeWorkgroupStorageSize;
  // Images are what the plan of a software adapter is made of.
  return plan.form === "image" || plan.lanes < 32
    ? registerBlocks(plan.lanes)
    : gpuBlocks(plan.lanes, half && device.features.has("shader-f16")).filter(fits);
}
