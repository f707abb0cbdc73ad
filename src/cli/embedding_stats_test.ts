/** The command on files: the golden values come out, and what cannot be read is named in one line. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Tensor, writeSafetensors } from "../models/safetensors.ts";
import { randomValues } from "../reference/random_values.ts";
import { type GoldenTensor, listGolden, readGolden } from "../testing/golden.ts";
import { printed } from "../testing/printed.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { main } from "./main.ts";

/** Runs a command line in this process. */
const run = (args: string[]) => printed(() => main(["embedding-stats", ...args]));

const float32 = (rows: number, cols: number, seed = 1): Tensor => ({
  dtype: "F32",
  shape: [rows, cols],
  data: Float32Array.from(randomValues(seed, rows * cols)),
});

for (const name of listGolden("embedding_stats")) {
  Deno.test(`embedding-stats --json gives the golden values: ${name}`, async () => {
    const { json, tensors } = readGolden("embedding_stats", name);
    await inTempFolder(async (dir) => {
      for (const key of ["X", "Z", "T", "Zp"]) {
        const { shape, data } = tensors.get(key) as GoldenTensor;
        const tensor = { dtype: "F32", shape, data } as Tensor;
        await Deno.writeFile(join(dir, key), writeSafetensors([[`any ${key}`, tensor]]));
      }
      const { code, out, lines } = await run([
        ...["--x", join(dir, "X"), "--projected", join(dir, "Z"), "--text", join(dir, "T")],
        ...["--transformed", join(dir, "Zp"), "--ridge-lambda", String(json.ridge_lambda)],
        ...["--ridge-train-rows", String(json.ridge_train_rows), "--json"],
      ]);
      assert.deepEqual([code, lines], [0, []]);
      const { shapes, sampled, ridge, ...got } = JSON.parse(out);
      const { Zp: _, ...known } = json.shapes;
      assert.deepEqual(shapes, known);
      assert.equal(sampled, null);
      assert.deepEqual(ridge, { lambda: json.ridge_lambda, train_rows: json.ridge_train_rows });
      const { expected } = json;
      assert.deepEqual(Object.keys(got).sort(), Object.keys(expected).sort());
      for (const group of Object.keys(expected)) {
        assert.deepEqual(Object.keys(got[group]).sort(), Object.keys(expected[group]).sort());
        for (const [key, value] of Object.entries<number>(expected[group])) {
          const error = Math.abs(got[group][key] - value);
          assert.ok(error <= 1e-9 + 1e-6 * Math.abs(value), `${group} ${key}: ${got[group][key]}`);
        }
      }
    });
  });
}

Deno.test("every element type gives the same statistics", async () => {
  await inTempFolder(async (dir) => {
    // Halves of whole numbers are the same number in all of them.
    const numbers = [...randomValues(3, 60)].map((value) => Math.round(8 * value) / 2);
    const bits = new Uint32Array(Float32Array.from(numbers).buffer);
    const shape = [15, 4];
    const tensors: Tensor[] = [
      { dtype: "F64", shape, data: Float64Array.from(numbers) },
      { dtype: "F32", shape, data: Float32Array.from(numbers) },
      { dtype: "F16", shape, data: Float16Array.from(numbers) },
      { dtype: "BF16", shape, data: Uint16Array.from(bits, (word) => word >>> 16) },
    ];
    const outputs = [];
    for (const tensor of tensors) {
      const path = join(dir, tensor.dtype);
      await Deno.writeFile(path, writeSafetensors([["z", tensor]]));
      outputs.push((await run(["--x", path, "--projected", path, "--json"])).out);
    }
    assert.equal(new Set(outputs).size, 1);
    assert.ok(JSON.parse(outputs[0]).pairs["linear_cka X Z"] > 0.999);
  });
});

Deno.test("a sample of rows is named, in both forms", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "z");
    await Deno.writeFile(path, writeSafetensors([["z", float32(300, 5)]]));
    const args = ["--x", path, "--projected", path, "--pair-rows", "40"];
    const { sampled } = JSON.parse((await run([...args, "--json"])).out);
    assert.deepEqual(sampled.statistics, ["uniformity", "knor@5 X Z", "knor@10 X Z"]);
    assert.equal(sampled.rows.X.length, 40);
    assert.deepEqual(sampled.rows.X, sampled.rows.Z);
    const { out } = await run([...args, "--markdown"]);
    assert.ok(out.includes("40 of 300 rows of X; 40 of 300 rows of Z"));
    assert.match(out, /^\| Statistic +\| +X, 300 x 5 \| +Z, 300 x 5 \|$/m);
    assert.match(out, /^\| Linear CKA of X and Z +\| +1\.0000 \|$/m);
    assert.ok(!out.includes("Modality gap"));
    assert.equal((await run(args)).out, out);
  });
});

Deno.test("a P2 learns to leave collapsed embeddings as they are, and not those without structure", async () => {
  await inTempFolder(async (dir) => {
    const rows = 120, cols = 16;
    const scattered = float32(rows, cols), collapsed = float32(rows, cols, 2);
    (collapsed.data as Float32Array).forEach((value, i, all) =>
      all[i] = Math.cos(i % cols) + value / 100
    );
    const cosines: number[] = [];
    for (const tensor of [scattered, collapsed]) {
      const path = join(dir, "z");
      await Deno.writeFile(path, writeSafetensors([["z", tensor]]));
      const args = ["--x", path, "--projected", path, "--fresh-p2"];
      const { out, code } = await run([...args, "--json"]);
      assert.equal(code, 0);
      const cosine = JSON.parse(out).pairs["fresh_p2_cosine Z"];
      const markdown = await run(args);
      assert.ok(markdown.lines[0].startsWith("Adapter: "));
      const [, shown] = markdown.out.match(/^\| Cosine of Z and a fresh P2\(Z\) +\| +(\S+) \|$/m) ??
        [];
      assert.equal(shown, cosine.toFixed(4));
      cosines.push(cosine);
    }
    assert.ok(cosines[1] > 0.999 && cosines[0] < 0.9, cosines.join(", "));
  });
});

const CASES: [what: string, args: string, code: number, message: RegExp][] = [
  ["no file", "--x {dir}/none --projected {dir}/z", 1, /there is no file ".*none"/],
  ["a folder", "--x {dir} --projected {dir}/z", 1, /".*" is no readable file/],
  ["a cut file", "--x {dir}/cut --projected {dir}/z", 1, /".*cut": .*\[0, 96\] are not within/],
  [
    "a file of text",
    "--x {dir}/words --projected {dir}/z",
    1,
    /".*words": Cannot read safetensors/,
  ],
  ["two tensors", "--x {dir}/two --projected {dir}/z", 1, /two" holds 2 tensors \("a", "b"\)/],
  ["one row", "--x {dir}/z --projected {dir}/row", 1, /tensor "z" of ".*row" has shape \[1, 4\]/],
  ["three axes", "--x {dir}/cube --projected {dir}/z", 1, /tensor "z" of ".*cube" has shape \[2,/],
  ["whole numbers", "--x {dir}/whole --projected {dir}/z", 1, /"z" of ".*whole" is I32, not F64/],
  ["NaN", "--x {dir}/z --projected {dir}/nan", 1, /"z" of ".*nan" holds NaN in row 2, column 1/],
  [
    "other rows",
    "--x {dir}/z --projected {dir}/long",
    1,
    /tensor "z" of ".*z" has 6 rows, tensor "z" of ".*long" has 7/,
  ],
  [
    "another width of text",
    "--x {dir}/z --projected {dir}/z --text {dir}/thin",
    1,
    /tensor "z" of ".*z" has 4 columns, tensor "z" of ".*thin" has 3/,
  ],
  ["no Z", "--x {dir}/z", 2, /required option '--projected <file>' not specified/],
  [
    "no penalty",
    "--x {dir}/z --projected {dir}/z --ridge-lambda 0",
    2,
    /must be a positive number/,
  ],
  [
    "no test rows",
    "--x {dir}/z --projected {dir}/z --ridge-train-rows 6",
    1,
    /of 6 rows, 6 cannot/,
  ],
  [
    "an adapter that computes nothing",
    "--x {dir}/z --projected {dir}/z --adapter lavapipe",
    2,
    /'--adapter <name>' needs --fresh-p2/,
  ],
  [
    "no such adapter",
    "--x {dir}/z --projected {dir}/z --fresh-p2 --adapter none",
    1,
    /none/,
  ],
  ["both forms", "--x {dir}/z --projected {dir}/z --json --markdown", 2, /'--json' cannot be used/],
];

for (const [what, args, code, message] of CASES) {
  Deno.test(`embedding-stats on ${what}: one line, exit code ${code}`, async () => {
    await inTempFolder(async (dir) => {
      const write = (name: string, tensors: [string, Tensor][]) =>
        Deno.writeFile(join(dir, name), writeSafetensors(tensors));
      await write("z", [["z", float32(6, 4)]]);
      await write("long", [["z", float32(7, 4)]]);
      await write("thin", [["z", float32(6, 3)]]);
      await write("row", [["z", float32(1, 4)]]);
      await write("cube", [["z", { dtype: "F32", shape: [2, 2, 2], data: new Float32Array(8) }]]);
      await write("whole", [["z", { dtype: "I32", shape: [2, 2], data: new Int32Array(4) }]]);
      await write("two", [["a", float32(6, 4)], ["b", float32(6, 4)]]);
      const broken = float32(6, 4);
      broken.data[9] = NaN;
      await write("nan", [["z", broken]]);
      const whole = await Deno.readFile(join(dir, "z"));
      await Deno.writeFile(join(dir, "cut"), whole.subarray(0, whole.length - 10));
      await Deno.writeTextFile(join(dir, "words"), "these are words, not tensors");
      const got = await run(args.replaceAll("{dir}", dir).split(" "));
      assert.equal(got.out, "");
      assert.equal(got.lines.length, 1, got.lines.join("\n"));
      assert.match(got.lines[0], message);
      assert.equal(got.code, code);
    });
  });
}
