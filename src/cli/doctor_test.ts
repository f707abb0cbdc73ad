import assert from "node:assert/strict";
import { advise } from "./doctor_advice.ts";
import type { Diagnosis } from "./doctor_format.ts";

Deno.test("a GPU needs no advice, software gets some", () => {
  const icds = ["/usr/share/vulkan/icd.d/nvidia_icd.json"];
  assert.deepEqual(advise({ driver: "system", software: false, icds, os: "linux" }), []);
  assert.match(
    advise({ driver: "system", software: true, icds, os: "linux" }).join(),
    /With a GPU, install/,
  );
});

Deno.test("SwiftShader's user is told of lavapipe first", () => {
  const [first] = advise({ driver: "swiftshader", software: true, icds: [], os: "linux" });
  assert.match(first, /mesa-vulkan-drivers/);
});

Deno.test("drivers of the system that give no adapter are named", () => {
  const icds = ["/etc/vulkan/icd.d/nvidia_icd.json"];
  assert.match(
    advise({ driver: "lavapipe", software: true, icds, os: "linux" }).join("\n"),
    /nvidia_icd\.json.*libvulkan1/,
  );
});

async function doctor(...args: string[]) {
  const main = new URL("./main.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", main, "doctor", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const [printed, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, printed, said };
}

Deno.test("doctor tells adapter, driver, limits, self-test and cache, as JSON too", async () => {
  const { code, printed } = await doctor("--json");
  const diagnosis: Diagnosis = JSON.parse(printed);
  assert.equal(diagnosis.problem, null);
  assert.equal(code, 0);
  assert.ok(diagnosis.adapter!.description && diagnosis.driver!.description);
  assert.ok(diagnosis.adapter!.limits.maxStorageTexturesPerShaderStage >= 4);
  assert.ok(diagnosis.selfTest.length > 0 && diagnosis.selfTest.every(({ passed }) => passed));
  assert.equal(
    diagnosis.cache.bytes,
    Object.values(diagnosis.cache.parts).reduce((sum, bytes) => sum + bytes),
  );
});

Deno.test("doctor names an adapter that is not there", async () => {
  const { code, said } = await doctor("--adapter", "voodoo");
  assert.equal(code, 1);
  assert.match(said, /^error: Cannot find adapter "voodoo": there are /m);
});
