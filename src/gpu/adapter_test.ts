import assert from "node:assert/strict";
import { chooseOperandForm, openGpu } from "./adapter.ts";

const gpu = await openGpu({ quiet: true });

Deno.test("the device has the adapter's limits, not the lowest ones", () => {
  const { device, adapter } = gpu;
  for (
    const name of [
      "maxBufferSize",
      "maxStorageTexturesPerShaderStage",
      "maxTextureDimension2D",
    ] as const
  ) {
    assert.equal(device.limits[name], adapter.limits[name], name);
  }
  assert.equal(device.features.has("timestamp-query"), adapter.features.has("timestamp-query"));
});

Deno.test("the adapter's record names the adapter and where its driver comes from", () => {
  assert.notEqual(gpu.record.description, "");
  assert.notEqual(gpu.record.driver, "");
  assert.equal(gpu.record.software, gpu.adapter.info.isFallbackAdapter);
});

Deno.test("a process cannot change its adapter", async () => {
  await assert.rejects(
    openGpu({ adapter: "no such adapter" }),
    /Cannot change to adapter "no such adapter"/,
  );
});

Deno.test("software adapters get images if they can bind enough of them, GPUs buffers", () => {
  assert.equal(chooseOperandForm(true, 36, undefined), "image");
  assert.equal(chooseOperandForm(true, 4, undefined), "buffer");
  assert.equal(chooseOperandForm(false, 36, undefined), "buffer");
  assert.equal(chooseOperandForm(false, 36, "image"), "image");
  assert.equal(chooseOperandForm(true, 36, "buffer"), "buffer");
  assert.throws(() => chooseOperandForm(true, 36, "texture"), /PLUMBLINE_OPERANDS "texture"/);
});

Deno.test("an error that no scope catches ends the process with its message", async () => {
  const adapter = new URL("./adapter.ts", import.meta.url).href;
  const program = `
    import { openGpu } from ${JSON.stringify(adapter)};
    const { device } = await openGpu({ quiet: true });
    device.createBuffer({ size: 16, usage: 0x800000 });
    await device.queue.onSubmittedWorkDone();
    console.log("went on");
  `;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", program],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 1);
  assert.equal(new TextDecoder().decode(stdout), "");
  assert.match(new TextDecoder().decode(stderr), /The GPU reported an error: .*usage/);
});
