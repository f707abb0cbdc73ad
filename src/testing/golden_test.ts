import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSafetensors } from "../models/safetensors.ts";
import {
  goldenFloat64,
  goldenFolder,
  goldenTensor,
  goldenTolerance,
  listGolden,
  readGolden,
} from "./golden.ts";

const TOPICS = ["adamw", "kernels", "llama", "projector_losses"];

Deno.test("every golden tensor of a kernel has the shape its JSON file states", () => {
  for (const name of listGolden("kernels")) {
    const golden = readGolden("kernels", name);
    const stated = Object.entries<number[]>(golden.json.shapes);
    const found = stated.map((
      [tensor],
    ) => [tensor, goldenTensor(golden, tensor).shape]);
    assert.deepEqual(found, stated, name);
    assert.equal(golden.tensors.size, stated.length, name);
  }
});

Deno.test("golden values are finite", () => {
  for (const topic of TOPICS) {
    for (const name of listGolden(topic)) {
      const cases = topic === "llama"
        ? ["inputs", "expected", "expected_packed", "model", "adapter_model"]
          .map((file) => readGolden(`${topic}/${name}`, file))
        : [readGolden(topic, name)];
      for (const { tensors } of cases) {
        assert.ok(tensors.size > 0);
        for (const [tensor, { data }] of tensors) {
          assert.ok(
            (data as Float64Array).every(Number.isFinite),
            `${topic}/${name} ${tensor}`,
          );
        }
      }
    }
  }
});

Deno.test("a case that is a folder is listed by its name and read file by file", () => {
  for (const name of listGolden("llama")) {
    const { json, tensors } = readGolden(`llama/${name}`, "case");
    assert.ok(json.image_tokens > 0);
    assert.equal(tensors.size, 0);
    assert.equal(readGolden(`llama/${name}`, "inputs").json, null);
  }
});

Deno.test("other values are read from the folder that PLUMBLINE_GOLDEN names", () => {
  const folder = Deno.makeTempDirSync();
  const before = Deno.env.get("PLUMBLINE_GOLDEN");
  try {
    Deno.mkdirSync(join(folder, "topic"));
    Deno.mkdirSync(join(folder, "empty"));
    Deno.writeTextFileSync(
      join(folder, "topic", "mine.json"),
      `{ "tolerance_f32": { "out": { "rtol": 1, "atol": 2 } } }`,
    );
    Deno.writeFileSync(
      join(folder, "topic", "mine.safetensors"),
      writeSafetensors([["x", {
        dtype: "F32",
        shape: [1],
        data: Float32Array.of(0.5),
      }]]),
    );
    Deno.env.set("PLUMBLINE_GOLDEN", folder);
    assert.equal(goldenFolder(), folder);
    assert.deepEqual(listGolden("topic"), ["mine"]);
    const golden = readGolden("topic", "mine");
    assert.deepEqual(goldenTensor(golden, "x").shape, [1]);
    assert.deepEqual(goldenFloat64(golden, "x"), Float64Array.of(0.5));
    assert.throws(() => goldenTensor(golden, "y"), /"y" among x/);
    assert.deepEqual(goldenTolerance(golden.json, "out"), { rtol: 1, atol: 2 });
    assert.throws(
      () => goldenTolerance(golden.json, "grad"),
      /"grad" among out/,
    );
    assert.throws(() => readGolden("topic", "none"), Deno.errors.NotFound);
    assert.throws(() => listGolden("empty"), /"empty" has no case/);
  } finally {
    if (before === undefined) Deno.env.delete("PLUMBLINE_GOLDEN");
    else Deno.env.set("PLUMBLINE_GOLDEN", before);
    Deno.removeSync(folder, { recursive: true });
  }
});
