/**
 * Large operands are written to a buffer and copied to an image, in a plan of images.
 *
 * A software adapter stores a texel in about 28 ns of one core where a buffer takes 7 and the copy
 * of a whole buffer 3 (lavapipe 22.3 with 8 lanes), but a copy ends a pass, and that costs as much as
 * the stores of some ten thousand texels.
 */
import type { Command } from "./command.ts";
import { KERNELS } from "./kernel_files.ts";
import type { Tensor } from "./tensor.ts";

/** In place of a kernel's name: copies the buffer `from` to the image `to`. */
export const COPY = "copy to image";

/** Texels from which a copy is worth its launch. */
const WORTH_COPYING = 40_000;

/** bytesPerRow of a copy to a texture is a multiple of 256. */
const ROW_TEXELS = 16;

/**
 * Commands in which products read large tensors of the planner from images that copies fill.
 *
 * @param mostTexels Of an image, down and across.
 */
export function copyLargeOperands(commands: readonly Command[], mostTexels: number): Command[] {
  const images = new Map<Tensor, Tensor>();
  const copied: Command[] = [];
  const eligible = ({ matrix, kept, rows, width4 }: Tensor) =>
    !matrix && !kept && rows <= mostTexels && width4 <= mostTexels &&
    width4 % ROW_TEXELS === 0 && rows * width4 >= WORTH_COPYING;
  for (const command of commands) {
    const matrices = { ...command.matrices };
    for (const { role, name } of KERNELS.get(command.kernel)?.operands ?? []) {
      const tensor = matrices[name];
      if (!tensor || !eligible(tensor)) continue;
      if (role === "operand") {
        if (!images.has(tensor)) {
          const image = { ...tensor, name: `image of ${tensor.name}` };
          images.set(tensor, image);
          copied.push(copyCommand(tensor, image));
        }
        matrices[name] = images.get(tensor)!;
      } else if (role === "write") {
        // What is written again must be copied again.
        images.delete(tensor);
      }
    }
    copied.push({ ...command, matrices });
  }
  return copied;
}

function copyCommand(from: Tensor, to: Tensor): Command {
  return {
    kernel: COPY,
    constants: {},
    matrices: { from, to },
    arrays: {},
    sizes: {},
    grid: [0, 0],
    flops: 0,
  };
}
