/** Where the losses of steps wait to be read: a wait on the queue at every step would cost more than it. */
import { createArray, readBuffer } from "../gpu/memory.ts";

/** Steps after which a ring must be read, or losses are overwritten. */
export const READ_EVERY = 64;

/** Numbers that a step leaves: what stands in each place is its tracer's choice. */
const PLACES = 4;

/** A ring of {@linkcode READ_EVERY} slots of four numbers. */
export interface LossRing {
  buffer: GPUBuffer;
  /** The slot of a step, which counts as unread from now on. */
  take(step: number): number;
  /** Four numbers a step since the last reading, oldest first. Waits for the queue. */
  read(): Promise<Float32Array[]>;
  destroy(): void;
}

/** Makes a ring. */
export function createLossRing(device: GPUDevice): LossRing {
  const buffer = createArray(device, PLACES * READ_EVERY, "losses");
  let unread = 0;
  let next = 0;
  return {
    buffer,
    take(step) {
      const slot = step % READ_EVERY;
      next = (slot + 1) % READ_EVERY;
      unread++;
      return slot;
    },
    async read() {
      const values = new Float32Array(await readBuffer(device, buffer));
      const count = Math.min(unread, READ_EVERY);
      unread = 0;
      return Array.from({ length: count }, (_, i) => {
        const slot = (next - count + i + READ_EVERY) % READ_EVERY;
        return values.subarray(PLACES * slot, PLACES * (slot + 1));
      });
    },
    destroy: () => buffer.destroy(),
  };
}
