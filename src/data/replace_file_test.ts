import assert from "node:assert/strict";
import { join } from "node:path";
import { replaceFile } from "./replace_file.ts";

Deno.test("a file is replaced whole, and nothing else is left behind", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "file.json");
  for (const text of ["first", "", "second, longer"]) {
    await replaceFile(path, text);
    assert.equal(await Deno.readTextFile(path), text);
  }
  assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["file.json"]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("what cannot be replaced stays, and so does no temporary file", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "folder");
  await Deno.mkdir(join(path, "inside"), { recursive: true });
  await assert.rejects(() => replaceFile(path, "text"));
  assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["folder"]);
  await Deno.remove(dir, { recursive: true });
});
