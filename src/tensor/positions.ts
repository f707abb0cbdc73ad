/** Learned positions on the tape. */
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "./elementwise.ts";
import { columnGrid, rowGrid, type Tape } from "./tape.ts";

/**
 * y[row] = x[row] + table[row mod period]. The gradient of the table is summed over the batch.
 *
 * @param x (batch * period, width)
 * @param table (positions, width), of which the first `period` are read
 * @throws {RangeError} If the table has fewer positions than the sequences, or another width.
 */
export function addPositions(tape: Tape, x: Tensor, table: Tensor, period: number): Tensor {
  if (table.rows < period || table.columns !== x.columns) {
    throw new RangeError(
      `Cannot trace addPositions: a table of ${table.rows} x ${table.columns} for ${period} positions of width ${x.columns}`,
    );
  }
  const y = tape.tensor(
    "with positions",
    x.rows,
    x.columns,
    x.needsGradient || table.needsGradient,
  );
  const sizes = { rows: x.rows, width4: x.width4, period };
  tape.dispatch("positions_forward", {
    matrices: { x, table, y },
    sizes,
    grid: rowGrid(tape, x.rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(x, (base) => base ? add(tape, base, dy) : dy);
    tape.accumulate(table, (base) => {
      const dtable = tape.tensor(`d ${table.name}`, table.rows, table.columns);
      tape.dispatch("positions_backward", {
        matrices: { dy, dtable, ...(base && { base }) },
        sizes,
        constants: base ? { ADD: 1 } : {},
        grid: columnGrid(tape, table.rows, table.width4),
      });
      return dtable;
    });
  });
  return y;
}
