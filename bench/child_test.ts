import assert from "node:assert/strict";
import { runChild } from "./child.ts";

Deno.test("a script that fails is named, with what it said", async () => {
  await assert.rejects(() => runChild("no_such_script.ts", []), {
    name: "Error",
    message: /^Cannot measure by no_such_script\.ts: .*Module not found/s,
  });
});
