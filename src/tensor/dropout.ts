/** Inverted dropout (Srivastava et al., JMLR 15, 2014) on the tape. */
import type { Tensor } from "../gpu/tensor.ts";
import { rowGrid, type Tape } from "./tape.ts";

/** Where and how much is dropped. */
export interface Dropout {
  /** Share of the elements that become zero, in [0, 1). */
  rate: number;
  /** Number of the place in the model, below 65,536: places with other numbers draw other masks. */
  site: number;
}

/**
 * y = x mask / (1 - rate). The mask depends on the seed and number of the step, the site, and the
 * element's place, so a step that is repeated drops the same elements.
 *
 *   dx = dy mask / (1 - rate)
 *
 * @param x (rows, columns)
 * @returns (rows, columns); x itself where the rate is 0
 * @throws {RangeError} If rate or site is out of range.
 */
export function dropout(tape: Tape, x: Tensor, at: Dropout): Tensor {
  const { rate, site } = at;
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Cannot trace dropout: rate ${rate} is not in [0, 1)`);
  }
  if (!Number.isInteger(site) || site < 0 || site >= 2 ** 16) {
    throw new RangeError(`Cannot trace dropout: site ${site} is no whole number below 65536`);
  }
  if (rate === 0) return x;
  const y = drop(tape, x, at);
  y.needsGradient = x.needsGradient;
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (dy) tape.accumulate(x, (base) => drop(tape, dy, at, base));
  });
  return y;
}

function drop(tape: Tape, x: Tensor, { rate, site }: Dropout, base?: Tensor): Tensor {
  const y = tape.tensor(`dropout of ${x.name}`, x.rows, x.columns);
  tape.dispatch("dropout", {
    matrices: { x, y, ...(base && { base }) },
    sizes: {
      rows: x.rows,
      width4: x.width4,
      site,
      threshold: Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1),
      scale: 1 / (1 - rate),
    },
    constants: base ? { ADD: 1 } : {},
    grid: rowGrid(tape, x.rows),
  });
  return y;
}
