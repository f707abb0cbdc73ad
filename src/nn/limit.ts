/** Keeps a parameter below a bound while it is trained. */
import { rowGrid, type Tape } from "../tensor/tape.ts";
import type { Parameter } from "./parameters.ts";

/**
 * Writes p = min(p, most) on the tape, for behind the optimiser.
 *
 * @throws {RangeError} If `most` is negative: what lies past a matrix's last column stays zero.
 */
export function limitParameter(tape: Tape, { tensor, master }: Parameter, most: number): void {
  if (!(most >= 0)) throw new RangeError(`Cannot limit a parameter to ${most}: it is below 0`);
  const mirror = master === tensor ? undefined : tensor;
  const { rows, width4 } = tensor;
  tape.dispatch("limit", {
    matrices: { master, ...(mirror && { mirror }) },
    sizes: { rows, width4, most },
    constants: { MIRROR: mirror ? 1 : 0 },
    grid: rowGrid(tape, rows),
  });
}
