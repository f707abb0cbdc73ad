import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { createFile, replaceFile } from "./replace_file.ts";

Deno.test("a file is replaced whole, and nothing else is left behind", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "file.json");
    for (const text of ["first", "", "second, longer"]) {
      await replaceFile(path, text);
      assert.equal(await Deno.readTextFile(path), text);
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["file.json"]);
  });
});

Deno.test("what cannot be replaced stays, and so does no temporary file", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "folder");
    await Deno.mkdir(join(path, "inside"), { recursive: true });
    await assert.rejects(() => replaceFile(path, "text"));
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["folder"]);
  });
});

Deno.test("of many that create a file one succeeds, and its text stands there whole", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "file.json");
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000));
    const first = await Promise.all(texts.map((text) => createFile(path, text)));
    assert.equal(first.filter(Boolean).length, 1);
    assert.equal(await Deno.readTextFile(path), texts[first.indexOf(true)]);
    assert.equal(await createFile(path, "late"), false);
    assert.equal(await Deno.readTextFile(path), texts[first.indexOf(true)]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["file.json"]);
  });
});

Deno.test("many that replace a file at once leave the text of one of them", async () => {
  await inTempFolder(async (dir) => {
    const path = join(dir, "file.json");
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000));
    await Promise.all(texts.map((text) => replaceFile(path, text)));
    assert.ok(texts.includes(await Deno.readTextFile(path)));
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["file.json"]);
  });
});
