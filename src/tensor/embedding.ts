/** Embedding look-up and row gathering on the tape. */
import { bandsOf } from "../gpu/bands.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { columnGrid, rowGrid, type Tape } from "./tape.ts";
import { accumulateWeight, timesWeight } from "./weight_products.ts";

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
  for (const { tensor, firstRow } of bandsOf(table)) {
    tape.dispatch("embedding_forward", {
      matrices: { table: tensor, images, y },
      arrays: { sources: index.sources },
      sizes: { rows, width4: y.width4, first: firstRow, count: tensor.rows },
      grid: rowGrid(tape, rows),
    });
  }
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!dy) return;
    for (const { tensor, firstRow } of bandsOf(table)) {
      tape.accumulate(tensor, (base) => {
        const { rows, columns, width4 } = tensor;
        const dtable = tape.tensor(`d ${tensor.name}`, rows, columns);
        const groups = Math.min(rows, tape.engine.device.limits.maxComputeWorkgroupsPerDimension);
        tape.dispatch("embedding_backward", {
          matrices: { dy, dtable, ...(base && { base }) },
          arrays: { starts: index.starts, places: index.places },
          sizes: { rows, width4, first: firstRow, groups },
          constants: base ? { ADD: 1 } : {},
          grid: columnGrid(tape, groups, width4),
        });
        return dtable;
      });
    }
    tape.accumulate(images, (base) => rowsOf(tape, dy, index.imageRows, images.rows, base));
  });
  return y;
}

/**
 * Mixed embeddings y = weights table: a row is the weighted sum of several tokens' embeddings.
 *
 * @param weights (rows, vocabulary), without a gradient
 * @param table (vocabulary, hidden)
 * @returns (rows, hidden)
 */
export function mixEmbeddings(tape: Tape, weights: Tensor, table: Tensor): Tensor {
  const y = timesWeight(tape, weights, table, { name: "mixed embeddings" });
  y.needsGradient = table.needsGradient;
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (dy) accumulateWeight(tape, table, weights, dy);
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
    if (dy && x.bands) {
      throw new RangeError("Cannot trace rows of bands backward: use an embedding");
    }
    if (dy) tape.accumulate(x, (base) => rowsOf(tape, dy, index.inverse, x.rows, base));
  });
  return y;
}

/**
 * y[i] = the columns of x[rowsOf[i]] from a multiple of four on, zero where rowsOf[i] is negative.
 * Without a gradient.
 */
export function gatherColumns(
  tape: Tape,
  x: Tensor,
  rows: number,
  index: GPUBuffer,
  column: number,
): Tensor {
  return rowsOf(tape, x, index, rows, undefined, column);
}

function rowsOf(
  tape: Tape,
  x: Tensor,
  index: GPUBuffer,
  rows: number,
  base?: Tensor,
  column = 0,
): Tensor {
  const y = tape.tensor("rows", rows, x.columns - column);
  for (const { tensor, firstRow } of bandsOf(x)) {
    tape.dispatch("gather_rows", {
      matrices: { x: tensor, y, ...(base && { base }) },
      arrays: { rows_of: index },
      sizes: { rows, width4: y.width4, first: firstRow, count: tensor.rows, column0: column / 4 },
      constants: base ? { ADD: 1 } : {},
      grid: rowGrid(tape, rows),
    });
  }
  return y;
}
