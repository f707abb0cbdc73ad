/** Embedding look-up and row gathering on the tape. */
import type { Tensor } from "../gpu/program.ts";
import { columnGrid, rowGrid, type Tape } from "./tape.ts";

/** Index arrays of an embedded batch, on the device. */
export interface EmbeddingIndex {
  /** One entry a row: a token id, or -1 - i for image token i. */
  sources: GPUBuffer;
  /** For the gradient: rows of each token, sorted; `starts` has vocabulary + 1 entries. */
  starts: GPUBuffer;
  places: GPUBuffer;
  /** Row of each image token. */
  imageRows: GPUBuffer;
}

/**
 * Rows of text and image embeddings in sequence order.
 *
 * @param table (vocabulary, hidden)
 * @param images (image tokens, hidden)
 * @returns (rows, hidden)
 */
export function embedding(
  tape: Tape,
  table: Tensor,
  images: Tensor,
  index: EmbeddingIndex,
  rows: number,
): Tensor {
  const y = tape.tensor(
    "embedded",
    rows,
    table.columns,
    table.needsGradient || images.needsGradient,
  );
  tape.dispatch("embedding_forward", {
    matrices: { table, images, y },
    arrays: { sources: index.sources },
    sizes: { rows, width4: y.width4 },
    grid: rowGrid(tape, rows),
  });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    tape.accumulate(table, (base) => {
      const dtable = tape.tensor(`d ${table.name}`, table.rows, table.columns);
      tape.dispatch("embedding_backward", {
        matrices: { dy, dtable, ...(base && { base }) },
        arrays: { starts: index.starts, places: index.places },
        sizes: { rows: table.rows, width4: table.width4 },
        constants: base ? { ADD: 1 } : {},
        grid: columnGrid(tape, table.rows, table.width4),
      });
      return dtable;
    });
    tape.accumulate(images, (base) => rowsOf(tape, dy, index.imageRows, images.rows, base));
  });
  return y;
}

/**
 * y[i] = x[rowsOf[i]].
 *
 * @param inverse For the gradient: the i that reads row r, or -1. No row is read twice.
 */
export function gatherRows(
  tape: Tape,
  x: Tensor,
  rows: number,
  index: { rowsOf: GPUBuffer; inverse: GPUBuffer },
): Tensor {
  const y = rowsOf(tape, x, index.rowsOf, rows);
  y.needsGradient = x.needsGradient;
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (dy) tape.accumulate(x, (base) => rowsOf(tape, dy, index.inverse, x.rows, base));
  });
  return y;
}

function rowsOf(tape: Tape, x: Tensor, index: GPUBuffer, rows: number, base?: Tensor): Tensor {
  const y = tape.tensor("rows", rows, x.columns);
  tape.dispatch("gather_rows", {
    matrices: { x, y, ...(base && { base }) },
    arrays: { rows_of: index },
    sizes: { rows, width4: x.width4 },
    constants: base ? { ADD: 1 } : {},
    grid: rowGrid(tape, rows),
  });
  return y;
}
