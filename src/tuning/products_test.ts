import assert from "node:assert/strict";
import type { Command } from "../gpu/command.ts";
import { productClasses } from "./products.ts";

const command = (kernel: string, rows = 0, columns = 0, inner = 0): Command => ({
  kernel,
  constants: {},
  matrices: {},
  arrays: {},
  sizes: { rows, columns, inner },
  grid: [1, 1],
  flops: 2 * rows * columns * inner,
});

Deno.test("products are grouped by order and powers of two, most work first", () => {
  const classes = productClasses([
    command("rms_norm_forward", 1000, 64, 64),
    command("matmul_nn", 100, 64, 64),
    command("matmul_nt", 1000, 60, 64),
    command("matmul_nt", 1024, 64, 33),
    command("matmul_tile_tn", 8, 8, 8),
    command("matmul_nt", 1025, 64, 64),
  ]);
  assert.deepEqual(
    classes.map(({ name, count, shape }) => [name, count, Object.values(shape)]),
    [
      ["nt 1024x64x64", 2, [1000, 60, 64]],
      ["nt 2048x64x64", 1, [1025, 64, 64]],
      ["nn 128x64x64", 1, [100, 64, 64]],
      ["tn 8x8x8", 1, [8, 8, 8]],
    ],
  );
  assert.equal(classes[0].flops, 2 * (1000 * 60 * 64 + 1024 * 64 * 33));
});
