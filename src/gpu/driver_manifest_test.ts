import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { type DriverManifest, readManifest, writeManifest } from "./driver_manifest.ts";

const DRIVER: DriverManifest = {
  name: "lavapipe",
  version: "1.0",
  source: "a package",
  icd: "icd.json",
  libraries: ["liba.so", "libb.so"],
};

async function withDriver(test: (dir: string) => Promise<void>): Promise<void> {
  await inTempFolder(async (dir) => {
    for (const file of [...DRIVER.libraries, DRIVER.icd]) {
      await Deno.writeTextFile(join(dir, file), `contents of ${file}`);
    }
    await writeManifest(dir, DRIVER);
    await test(dir);
  });
}

Deno.test("an intact driver is read back", async () => {
  await withDriver(async (dir) => assert.deepEqual(await readManifest(dir), DRIVER));
});

Deno.test("no folder means no driver", async () => {
  await withDriver(async (dir) => assert.equal(await readManifest(join(dir, "none")), null));
});

Deno.test("a changed or missing file is named", async () => {
  await withDriver(async (dir) => {
    await Deno.writeTextFile(join(dir, "libb.so"), "contents of libb.sx");
    await assert.rejects(readManifest(dir), /"libb.so" is not what was unpacked/);
    await Deno.remove(join(dir, "liba.so"));
    await assert.rejects(readManifest(dir), /"liba.so" is missing/);
  });
});

Deno.test("a folder whose manifest is cut off, empty or of another version is refused", async () => {
  await withDriver(async (dir) => {
    const manifest = join(dir, "manifest.json");
    const text = await Deno.readTextFile(manifest);
    for (
      const damaged of [
        text.slice(0, 40),
        "null",
        "{}",
        text.replace(/"manifestVersion": \d+/, '"manifestVersion": 0'),
      ]
    ) {
      await Deno.writeTextFile(manifest, damaged);
      await assert.rejects(readManifest(dir), /Cannot use the driver in the cache/);
    }
    await Deno.remove(manifest);
    await assert.rejects(readManifest(dir), /"manifest.json" is missing/);
  });
});
