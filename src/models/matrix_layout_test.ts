import assert from "node:assert/strict";
import {
  type MatrixLayout,
  packMatrices,
  placesFrom,
  unpackMatrices,
  wholeLayout,
} from "./matrix_layout.ts";

const LAYOUTS: MatrixLayout[] = [
  wholeLayout("plain", 2, 2),
  {
    name: "joint",
    rows: 4,
    columns: 2,
    parts: [
      { name: "upper", rows: placesFrom(0, 1), columns: null },
      { name: "lower", rows: [3, 2], columns: null },
    ],
  },
  { name: "wide", rows: 1, columns: 5, parts: [{ name: "row", rows: [0], columns: [1, 4] }] },
];

const matrix = (rows: number, columns: number, ...values: number[]) => ({
  rows,
  columns,
  data: Float32Array.from(values),
});

const CHECKPOINT = new Map([
  ["plain", matrix(2, 2, 1, 2, 3, 4)],
  ["upper", matrix(1, 2, 5, 6)],
  ["lower", matrix(2, 2, 7, 8, 9, 10)],
  ["row", matrix(1, 2, 11, 12)],
]);

Deno.test("parts go to their rows and columns, and what no one fills is zero", () => {
  const packed = packMatrices(LAYOUTS, CHECKPOINT);
  assert.deepEqual(
    packed,
    new Map([
      ["plain", matrix(2, 2, 1, 2, 3, 4)],
      ["joint", matrix(4, 2, 5, 6, 0, 0, 9, 10, 7, 8)],
      ["wide", matrix(1, 5, 0, 11, 0, 0, 12)],
    ]),
  );
});

Deno.test("unpacking gives the parts back, whatever stands in the padding", () => {
  const packed = packMatrices(LAYOUTS, CHECKPOINT);
  packed.get("wide")!.data[0] = 99;
  assert.deepEqual(unpackMatrices(LAYOUTS, packed), CHECKPOINT);
  packed.delete("joint");
  assert.deepEqual([...unpackMatrices(LAYOUTS, packed).keys()], ["plain", "row"]);
});
