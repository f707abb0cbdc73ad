import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { ifThere, isFile, isFolder, isThere, namesIn } from "./if_there.ts";

Deno.test("files, folders and what is not there are told apart", async () => {
  await inTempFolder(async (dir) => {
    const file = join(dir, "a.txt");
    await Deno.writeTextFile(file, "a");
    const kinds = (path: string) => Promise.all([isThere(path), isFile(path), isFolder(path)]);
    assert.deepEqual(await kinds(file), [true, true, false]);
    assert.deepEqual(await kinds(dir), [true, false, true]);
    assert.deepEqual(await kinds(join(dir, "b")), [false, false, false]);
    assert.deepEqual(await kinds(join(file, "b")), [false, false, false]);
  });
});

Deno.test("what is not there is null, and any other error is thrown", async () => {
  await inTempFolder(async (dir) => {
    const file = join(dir, "a.txt");
    await Deno.writeTextFile(file, "a");
    assert.equal(await ifThere(Deno.readTextFile(file)), "a");
    assert.equal(await ifThere(Deno.readTextFile(join(dir, "b"))), null);
    await assert.rejects(ifThere(Deno.readTextFile(join(file, "b"))), Deno.errors.NotADirectory);
  });
});

Deno.test("a folder that is not there has no names", async () => {
  await inTempFolder(async (dir) => {
    await Deno.mkdir(join(dir, "sub"));
    await Deno.writeTextFile(join(dir, "a.txt"), "");
    assert.deepEqual((await namesIn(dir)).sort(), ["a.txt", "sub"]);
    assert.deepEqual(await namesIn(join(dir, "other")), []);
    await assert.rejects(namesIn(join(dir, "a.txt")), Deno.errors.NotADirectory);
  });
});
