/** The gated cross-attention block against the golden values, on both operand forms. */
import assert from "node:assert/strict";
import { readersOf } from "../tensor/cross_attention.ts";
import {
  goldenFloat64,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "../testing/golden.ts";
import { backwardFrom, formOf, runOnce, testEngines, upload, uploadInts } from "../testing/gpu.ts";
import { assertClose } from "../testing/tolerance.ts";
import { gatedCrossAttention, gatedCrossAttentionSpecs } from "./gated_cross_attention.ts";

/** Which latents each text position attends to: those of the latest image at or before it. */
function firstLatents(
  { batch, text_length, images, latents_per_image }: Record<string, number>,
  locations: ArrayLike<number> | null,
): Int32Array {
  const first = new Int32Array(batch * text_length);
  for (let b = 0; b < batch; b++) {
    let seen = locations ? 0 : 1;
    for (let t = 0; t < text_length; t++) {
      seen += locations?.[b * text_length + t] ? 1 : 0;
      first[b * text_length + t] = seen === 0 ? -1 : (b * images + seen - 1) * latents_per_image;
    }
  }
  return first;
}

for (const engine of await testEngines()) {
  for (const name of listGolden("flamingo")) {
    const golden = readGolden("flamingo", name);
    const { json } = golden;
    const { dim: width, dim_visual: visual, heads, dim_head: headDim } = json;
    const headWidth = 4 * Math.ceil(headDim / 4);
    const layout = { heads, headDim, headWidth };
    const inner = heads * headDim;
    /** Where each row of all heads goes when heads are padded. */
    const padded = (at: number) => Math.floor(at / headDim) * headWidth + at % headDim;
    /** Rows or columns of which heads are padded, by part. */
    const PADDED: Record<string, "rows" | "columns"> = {
      "attn.to_q.weight": "rows",
      "attn.to_kv.weight": "rows",
      "attn.to_out.weight": "columns",
    };
    const shapeOf = (part: string) => {
      const shape: number[] = json.shapes[part];
      return shape.length > 1 ? shape : [1, shape[0]];
    };
    /** Calls back for each element of a parameter: its place in the golden tensor and in the kernel's. */
    const eachElement = (part: string, visit: (golden: number, kernel: number) => void) => {
      const [rows, columns] = shapeOf(part);
      const wide = PADDED[part] === "columns" ? heads * headWidth : columns;
      for (let r = 0; r < rows; r++) {
        const half = Math.floor(r / inner);
        const row = PADDED[part] === "rows" ? half * heads * headWidth + padded(r % inner) : r;
        for (let c = 0; c < columns; c++) {
          visit(r * columns + c, row * wide + (PADDED[part] === "columns" ? padded(c) : c));
        }
      }
    };
    const specs = gatedCrossAttentionSpecs("block", { width, visual, heads: layout });
    const partOf = (spec: string) => spec.replace("block.", "");
    const isGate = (part: string) => part.endsWith("_gate");

    for (const gate of json.gates as number[]) {
      const prefix = gate === 0 ? "gate0" : "gate0.3";
      Deno.test(`the block gives the golden ${name} at gate ${gate.toFixed(1)} ${formOf(engine)}`, async () => {
        const load = (label: string, rows: number, columns: number, values: ArrayLike<number>) =>
          upload(engine, label, { rows, columns }, values);
        const x = goldenFloat64(golden, "x"), media = goldenFloat64(golden, "media");
        const cotangent = goldenFloat64(golden, "cotangent");
        const parameters = new Map(specs.map(({ name, rows, columns }) => {
          const part = partOf(name);
          const values = new Float64Array(rows * columns);
          if (isGate(part)) values.fill(gate);
          else {
            const from = goldenFloat64(golden, part);
            eachElement(part, (golden, kernel) => values[kernel] = from[golden]);
          }
          return [name, load(name, rows, columns, values)];
        }));
        const rows = x.length / width, all = media.length / visual;
        const locations = golden.tensors.has("media_locations")
          ? goldenTensor(golden, "media_locations").data
          : null;
        const first = firstLatents(json, locations as ArrayLike<number> | null);
        const latents = json.latents_per_image;
        const tensors = {
          x: load("x", rows, width, x),
          media: load("media", all, visual, media),
        };
        const side = load("cotangent", rows, width, cotangent);
        const read = await runOnce(engine, (tape) => {
          const out = gatedCrossAttention(
            tape,
            "block",
            tensors.x,
            tensors.media,
            parameters,
            layout,
            {
              latents,
              firstLatent: uploadInts(engine, first),
              readers: uploadInts(engine, readersOf(first, latents, all)),
            },
          );
          backwardFrom(tape, out, side);
          return {
            out,
            "grad.x": tape.gradientOf(tensors.x),
            "grad.media": tape.gradientOf(tensors.media),
            ...Object.fromEntries(
              [...parameters].map((
                [name, tensor],
              ) => [`grad.${partOf(name)}`, tape.gradientOf(tensor)]),
            ),
          };
        });
        const want = (what: string) => goldenFloat64(golden, `${prefix}.${what}`);
        const gradientTolerance = goldenTolerance(json, "grad");
        assertClose(read.out, want("out"), goldenTolerance(json, "out"), "out");
        for (const what of ["grad.x", "grad.media"]) {
          assertClose(read[what], want(what), gradientTolerance, what);
        }
        for (const part of specs.map(({ name }) => partOf(name))) {
          const got = read[`grad.${part}`], wanted = want(`grad.${part}`);
          const values = new Float64Array(wanted.length);
          if (isGate(part)) values.set(got);
          else eachElement(part, (golden, kernel) => values[golden] = got[kernel]);
          assertClose(values, wanted, gradientTolerance, `grad.${part}`);
          if (gate === 0 && !isGate(part)) {
            assert.ok(got.every((value) => value === 0), `grad.${part} is exactly 0`);
          }
        }
        if (gate === 0) {
          assert.deepEqual(read.out, Float32Array.from(x));
          assert.deepEqual(read["grad.x"], Float32Array.from(cotangent));
          assert.ok(read["grad.media"].every((value) => value === 0));
        }
      });
    }
  }
}

Deno.test("rows that attend to a run of latents must be neighbours", () => {
  assert.deepEqual([...readersOf([-1, 0, 0, 2], 2, 4)], [1, 3, 1, 3, 3, 4, 3, 4]);
  assert.throws(() => readersOf([0, -1, 0], 2, 2), {
    name: "RangeError",
    message: /rows 0 and 2 attend to latent 0, and those between do not/,
  });
});
