import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { cacheDir, cacheSizes, clearCache, installFolder } from "./cache.ts";

function at(os: typeof Deno.build.os, variables: Record<string, string>): string {
  return cacheDir({ os, get: (name) => variables[name] });
}

Deno.test("the cache lies where PLUMBLINE_CACHE says, else where the platform keeps caches", () => {
  assert.equal(at("linux", { HOME: "/home/ada" }), "/home/ada/.cache/plumbline");
  assert.equal(at("linux", { HOME: "/home/ada", XDG_CACHE_HOME: "/x" }), "/x/plumbline");
  assert.equal(
    at("linux", { HOME: "/home/ada", XDG_CACHE_HOME: "relative" }),
    "/home/ada/.cache/plumbline",
  );
  assert.equal(at("darwin", { HOME: "/Users/ada" }), "/Users/ada/Library/Caches/plumbline");
  assert.equal(
    at("linux", { HOME: "/home/ada", XDG_CACHE_HOME: "/x", PLUMBLINE_CACHE: "/p" }),
    "/p",
  );
  assert.equal(at("linux", { PLUMBLINE_CACHE: "p", INIT_CWD: "/caller" }), "/caller/p");
});

Deno.test("without a home folder the error names what to set", () => {
  assert.throws(() => at("linux", {}), /set PLUMBLINE_CACHE or HOME/);
});

Deno.test("an interrupted installation leaves nothing, and what was there stays", async () => {
  await inTempFolder(async (dir) => {
    const target = join(dir, "drivers", "lavapipe");
    await installFolder(target, (to) => Deno.writeTextFile(join(to, "file"), "first"));
    await assert.rejects(
      installFolder(target, async (to) => {
        await Deno.writeTextFile(join(to, "file"), "half");
        throw new Error("interrupted");
      }),
      /interrupted/,
    );
    assert.equal(await Deno.readTextFile(join(target, "file")), "first");
    await installFolder(target, (to) => Deno.writeTextFile(join(to, "file"), "second"));
    assert.equal(await Deno.readTextFile(join(target, "file")), "second");
    assert.deepEqual(Array.from(Deno.readDirSync(join(dir, "drivers")), ({ name }) => name), [
      "lavapipe",
    ]);
  });
});

Deno.test("clearing removes the parts, neither a stranger's folder nor the running Deno", async () => {
  await inTempFolder(async (dir) => {
    for (const part of ["deno", "drivers/lavapipe", "holiday-pictures"]) {
      await Deno.mkdir(join(dir, part), { recursive: true });
      await Deno.writeTextFile(join(dir, part, "file"), "12345");
    }
    assert.equal((await cacheSizes(dir)).drivers, 5);
    const removed = await clearCache(dir, join(dir, "deno", "deno"));
    assert.equal(removed.drivers, 5);
    assert.equal("deno" in removed, false);
    assert.deepEqual(Array.from(Deno.readDirSync(dir), ({ name }) => name).sort(), [
      "deno",
      "holiday-pictures",
    ]);
  });
});
