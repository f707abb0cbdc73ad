import assert from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { defaultPlan } from "../gpu/plan.ts";
import { exampleRun } from "../records/example_records.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { freezePlan, readFrozenPlan } from "./frozen_plan.ts";

const { adapter } = exampleRun();
const plan = {
  ...defaultPlan("image", true),
  shapes: { "nn 64x64x64": { rows: 8, texels: 1, across: 4 } },
};

Deno.test("a frozen plan comes back on its adapter and driver only", async () => {
  await inTempFolder(async (folder) => {
    assert.equal(await readFrozenPlan(folder, adapter), undefined);
    await freezePlan(folder, adapter, plan);
    assert.deepEqual(await readFrozenPlan(folder, adapter), plan);
    for (const other of [{ description: "another" }, { driver: "another" }]) {
      assert.equal(await readFrozenPlan(folder, { ...adapter, ...other }), undefined);
    }
  });
});

Deno.test("a damaged plan is refused with its field", async () => {
  await inTempFolder(async (folder) => {
    await freezePlan(folder, adapter, plan);
    const path = join(folder, "plan.json");
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.slice(0, 50));
    await assert.rejects(readFrozenPlan(folder, adapter), {
      name: "SyntaxError",
      message: `Cannot read kernel plan: "${path}" is no JSON; --fresh begins anew`,
    });
    await Deno.writeTextFile(path, text.replace('"lanes": 8', '"lanes": -8'));
    await assert.rejects(readFrozenPlan(folder, adapter), /field "plan.lanes" of ".*plan.json"/);
  });
});

Deno.test("of processes that freeze at once the first one wins, and all have its plan", async () => {
  await inTempFolder(async (folder) => {
    const plans = [1, 2, 4, 8].map((rows) => ({
      ...plan,
      shapes: { "nn 64x64x64": { rows, texels: 1, across: 4 } },
    }));
    const agreed = await Promise.all(plans.map((each) => freezePlan(folder, adapter, each)));
    const frozen = await readFrozenPlan(folder, adapter);
    assert.ok(plans.some((each) => isDeepStrictEqual(each, frozen)));
    for (const each of agreed) assert.deepEqual(each, frozen);
  });
});

Deno.test("a plan of another adapter is not replaced", async () => {
  await inTempFolder(async (folder) => {
    await freezePlan(folder, adapter, plan);
    await assert.rejects(freezePlan(folder, { ...adapter, description: "another" }, plan), {
      name: "RangeError",
      message: `Cannot train on "another": "${join(folder, "plan.json")}" is the plan of another ` +
        "adapter or driver; choose another --out or add --fresh",
    });
    assert.deepEqual(await readFrozenPlan(folder, adapter), plan);
  });
});
