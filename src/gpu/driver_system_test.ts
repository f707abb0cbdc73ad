import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { probeAdapter, systemIcds, useDriver } from "./driver_system.ts";

Deno.test("the drivers that a variable names are the only ones", async () => {
  assert.deepEqual(
    await systemIcds((name) => ({ VK_DRIVER_FILES: "/a.json:/b.json", HOME: "/h" })[name]),
    ["/a.json", "/b.json"],
  );
  assert.deepEqual(await systemIcds((name) => ({ VK_ICD_FILENAMES: "/c.json" })[name]), [
    "/c.json",
  ]);
});

Deno.test("else those in the folders of the user and of the system", async () => {
  await inTempFolder(async (home) => {
    const dir = join(home, ".local", "share", "vulkan", "icd.d");
    await Deno.mkdir(dir, { recursive: true });
    await Deno.writeTextFile(join(dir, "mine.json"), "{}");
    await Deno.writeTextFile(join(dir, "README"), "");
    const variables: Record<string, string> = {
      HOME: home,
      XDG_DATA_DIRS: join(home, "none"),
      XDG_CONFIG_DIRS: "",
    };
    const found = await systemIcds((name) => variables[name]);
    assert.deepEqual(found.filter((path) => path.startsWith(home)), [join(dir, "mine.json")]);
  });
});

Deno.test("a driver that is not there gives no adapter, and does not harm this process", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  assert.equal(
    await probeAdapter({ ...useDriver("/no/such/icd.json"), DENO_WEBGPU_BACKEND: "vulkan" }),
    null,
  );
});
