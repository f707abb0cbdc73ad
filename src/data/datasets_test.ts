import assert from "node:assert/strict";
import { DATASETS, loadDataset } from "./datasets.ts";

Deno.test("every procedural data set loads by its name and carries it", async () => {
  for (const name of Object.keys(DATASETS).filter((name) => DATASETS[name].draw)) {
    const dataset = await loadDataset(name, {
      seed: 0,
      trainImages: 3,
      validationImages: 2,
      testImages: 1,
    });
    assert.equal(dataset.name, name);
    assert.deepEqual([
      dataset.train.length,
      dataset.validation.length,
      dataset.test.length,
    ], [3, 2, 1]);
    assert.match(dataset.contentHash, /^[0-9a-f]{64}$/);
  }
});

Deno.test("an unknown name is refused with the known ones", async () => {
  for (const name of ["vqav2", "toString"]) {
    await assert.rejects(loadDataset(name, { seed: 0 }), {
      name: "RangeError",
      message: `Unknown data set "${name}"; there is ${Object.keys(DATASETS).join(", ")}`,
    });
  }
});
