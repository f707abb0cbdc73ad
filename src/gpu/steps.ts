/** The steps of a compiled program, and how long each takes. */
import type { Kernel } from "./kernel.ts";
import type { DeviceMatrix } from "./memory.ts";
import { COPY } from "./operand_images.ts";

/** A dispatch with all that it needs. */
export interface Bound {
  kernel: Kernel;
  group: GPUBindGroup;
  grid: [number, number];
  flops: number;
}

/** From a buffer to an image of the same shape. */
export interface ImageCopy {
  from: DeviceMatrix;
  to: DeviceMatrix;
}

/** A step of a compiled program. */
export type Step = Bound | ImageCopy;

/** Writes the steps: dispatches in a row share a pass, which a copy ends. */
export function encodeSteps(encoder: GPUCommandEncoder, steps: readonly Step[]): void {
  let pass: GPUComputePassEncoder | undefined;
  for (const step of steps) {
    if ("from" in step) {
      pass?.end();
      pass = undefined;
      encodeCopy(encoder, step);
      continue;
    }
    pass ??= encoder.beginComputePass();
    pass.setPipeline(step.kernel.pipeline);
    pass.setBindGroup(0, step.group);
    pass.dispatchWorkgroups(...step.grid);
  }
  pass?.end();
}

function encodeCopy(encoder: GPUCommandEncoder, { from, to }: ImageCopy): void {
  encoder.copyBufferToTexture(
    { buffer: from.buffer!, bytesPerRow: from.width4 * 16, rowsPerImage: from.rows },
    { texture: to.texture! },
    [to.width4, to.rows],
  );
}

/** Time of one step, as a program's profile has it. */
export interface StepTime {
  kernel: string;
  milliseconds: number;
  flops: number;
}

/** Runs the steps, each dispatch in a pass of its own between two timestamps. Waits for the queue. */
export async function profileSteps(
  device: GPUDevice,
  steps: readonly Step[],
): Promise<StepTime[]> {
  const count = 2 * steps.filter((step) => "kernel" in step).length;
  const queries = device.createQuerySet({ type: "timestamp", count });
  const resolved = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  let query = 0;
  const places = steps.map((step) => {
    if ("from" in step) {
      encodeCopy(encoder, step);
      // A copy has no timestamps of its own: it lies between those of its neighbours.
      return [query - 1, query];
    }
    const pass = encoder.beginComputePass({
      timestampWrites: {
        querySet: queries,
        beginningOfPassWriteIndex: query++,
        endOfPassWriteIndex: query++,
      },
    });
    pass.setPipeline(step.kernel.pipeline);
    pass.setBindGroup(0, step.group);
    pass.dispatchWorkgroups(...step.grid);
    pass.end();
    return [query - 2, query - 1];
  });
  encoder.resolveQuerySet(queries, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const times = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.unmap();
  for (const resource of [queries, resolved, staging]) resource.destroy();
  return steps.map((step, index) => {
    const [begin, end] = places[index];
    // Copies in a row share the time between their neighbours; the first one stands for all.
    const shared = "from" in step && places[index - 1]?.[0] === begin;
    return {
      kernel: "from" in step ? COPY : step.kernel.template.name,
      milliseconds: shared ? 0 : Number(times[end] - times[begin]) / 1e6,
      flops: "from" in step ? 0 : step.flops,
    };
  });
}
