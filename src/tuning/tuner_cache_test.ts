import assert from "node:assert/strict";
import { join } from "node:path";
import type { Engine } from "../gpu/engine.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { exampleRun } from "../records/example_records.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import type { TunedClass } from "./tune.ts";
import { readTuned, tuningKey, writeTuned } from "./tuner_cache.ts";

const { adapter } = exampleRun();
const engine = (form: "image" | "buffer", lanes = 8) =>
  ({ plan: defaultPlan(form, true, lanes) }) as Engine;
const key = tuningKey(engine("image"), adapter);
const tuned: TunedClass[] = [{
  name: "nt 64x64x64",
  count: 2,
  flops: 100,
  before: { rows: 16, texels: 4, across: 8 },
  chosen: { rows: 4, texels: 1, across: 8, tile: { depth: 16, half: false } },
  timings: [{ block: { rows: 4, texels: 1, across: 8 }, milliseconds: 0.25 }],
}];

const inFolder = (test: (folder: string) => Promise<void>) => async () => {
  await inTempFolder((folder) => test(folder));
};

Deno.test(
  "timings come back for their key and for no other",
  inFolder(async (folder) => {
    const place = join(folder, "kernels");
    assert.deepEqual(await readTuned(place, key, assert.fail), []);
    await writeTuned(place, key, tuned);
    assert.deepEqual(await readTuned(place, key, assert.fail), tuned);
    const others = [
      tuningKey(engine("buffer"), adapter),
      tuningKey(engine("image", 16), adapter),
      tuningKey(engine("image"), { ...adapter, description: "another" }),
      tuningKey(engine("image"), { ...adapter, driver: "another" }),
      { ...key, kernels: "another" },
      tuningKey(engine("image"), adapter, true),
    ];
    for (const other of others) assert.deepEqual(await readTuned(place, other, assert.fail), []);
  }),
);

Deno.test(
  "a damaged file counts as none, and that is said",
  inFolder(async (folder) => {
    await writeTuned(folder, key, tuned);
    const [{ name }] = await Array.fromAsync(Deno.readDir(folder));
    const text = await Deno.readTextFile(join(folder, name));
    for (const damaged of [text.slice(0, 100), text.replace("0.25", "0.5"), "{}", ""]) {
      await Deno.writeTextFile(join(folder, name), damaged);
      const said: string[] = [];
      assert.deepEqual(await readTuned(folder, key, (line) => said.push(line)), []);
      assert.match(said.join(), /is damaged; its timings are taken anew/);
    }
  }),
);
