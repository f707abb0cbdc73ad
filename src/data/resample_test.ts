import assert from "node:assert/strict";
import fc from "fast-check";
import type { Image } from "./dataset.ts";
import { resample, type Resampling } from "./resample.ts";

/** A picture of well-mixed bytes, so far from 0 and 255 that no filter overshoots them. */
function noise(width: number, height: number, seed = 1): Image {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return 64 + (state >> 16) % 128;
  });
  return { width, height, data };
}

const KERNELS: Record<Resampling, (x: number) => number> = {
  bilinear: (x) => Math.max(0, 1 - Math.abs(x)),
  // W(x) of Keys with a = -1/2.
  bicubic(x) {
    const d = Math.abs(x);
    const a = -0.5;
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  },
};

/** The definition in float64: both passes at once, without rounding in between. */
function exact({ width, height, data }: Image, to: [number, number], filter: Resampling) {
  const weights = (source: number, target: number, i: number) => {
    const ratio = source / target;
    const stretch = Math.max(1, ratio);
    const centre = (i + 0.5) * ratio - 0.5;
    const all = Array.from({ length: source }, (_, j) => KERNELS[filter]((j - centre) / stretch));
    const sum = all.reduce((a, b) => a + b, 0);
    return all.map((weight) => weight / sum);
  };
  const result: number[] = [];
  for (let y = 0; y < to[1]; y++) {
    const rows = weights(height, to[1], y);
    for (let x = 0; x < to[0]; x++) {
      const columns = weights(width, to[0], x);
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        rows.forEach((row, sy) =>
          columns.forEach((column, sx) =>
            sum += row * column * data[(sy * width + sx) * 3 + channel]
          )
        );
        result.push(sum);
      }
    }
  }
  return result;
}

for (const filter of ["bilinear", "bicubic"] as const) {
  Deno.test(`${filter} resizing follows its definition, to a rounding of each pass`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        (width, height, toWidth, toHeight) => {
          const image = noise(width, height, width + 31 * height);
          const got = resample(image, toWidth, toHeight, filter);
          assert.deepEqual([got.width, got.height], [toWidth, toHeight]);
          const wanted = exact(image, [toWidth, toHeight], filter);
          assert.equal(got.data.length, wanted.length);
          // Half a step for each pass, the first of which is weighed by at most 1.25 in the second.
          wanted.forEach((value, i) => {
            assert.ok(Math.abs(got.data[i] - value) < 1.13, `${i}: ${got.data[i]}, ${value}`);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  Deno.test(`${filter} resizing leaves one colour and the size itself alone`, () => {
    const plain: Image = { width: 5, height: 3, data: new Uint8Array(45).fill(201) };
    assert.ok(resample(plain, 8, 2, filter).data.every((byte) => byte === 201));
    const image = noise(6, 4);
    assert.equal(resample(image, 6, 4, filter), image);
  });
}

Deno.test("bicubic resizing overshoots at an edge, within a byte", () => {
  const data = Uint8Array.from([0, 0, 0, 200, 200, 200].flatMap((value) => [value, value, value]));
  const wide = resample({ width: 6, height: 1, data }, 12, 1, "bicubic").data;
  const red = Array.from({ length: 12 }, (_, i) => wide[3 * i]);
  assert.ok(Math.max(...red) > 200 && red.every((byte) => byte >= 0));
  const up = resample({ width: 6, height: 1, data: data.map((v) => v && 255) }, 12, 1, "bicubic");
  assert.equal(Math.max(...up.data), 255);
});

Deno.test("sides that are no whole numbers are refused", () => {
  for (const [width, height] of [[0, 3], [3, -1], [1.5, 2]]) {
    assert.throws(() => resample(noise(2, 2), width, height, "bicubic"), {
      name: "RangeError",
      message: /^Cannot resize to /,
    });
  }
});

Deno.test("bytes are those of Pillow 12.3", () => {
  const data = Uint8Array.from({ length: 3 * 7 * 5 }, (_, i) => i * i * 37 + 11 * i);
  const image: Image = { width: 7, height: 5, data };
  // Image.resize((3, 4), BICUBIC), and the first bytes of Image.resize((9, 6), BICUBIC).
  // deno-fmt-ignore
  assert.deepEqual([...resample(image, 3, 4, "bicubic").data], [
    78, 102, 184, 85, 178, 203, 112, 216, 160, 130, 134, 155, 113, 81, 126, 167, 165, 131,
    104, 134, 105, 59, 62, 124, 148, 105, 96, 134, 140, 139, 66, 65, 103, 113, 126, 145,
  ]);
  // deno-fmt-ignore
  assert.deepEqual([...resample(image, 9, 6, "bicubic").data.subarray(0, 24)], [
    0, 37, 170, 73, 99, 204, 127, 111, 183, 100, 118, 163, 21, 232, 252, 71, 255, 253,
    50, 208, 174, 71, 197, 135,
  ]);
});
