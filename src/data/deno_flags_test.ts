import assert from "node:assert/strict";
import { denoFlags } from "./deno_flags.ts";

Deno.test("flags name every path, one with a comma by the folder above it, and leave out what is not granted", () => {
  const granted = {
    read: ["/a/b,c/d", "/c"],
    write: [],
    net: [],
    run: true as const,
    env: ["HOME"],
    sys: ["hostname"],
    ffi: ["/lib.so"],
  };
  assert.deepEqual(denoFlags(granted), [
    "--no-prompt",
    "--allow-read=/a,/c",
    "--allow-run",
    "--allow-env=HOME",
    "--allow-sys=hostname",
    "--allow-ffi=/lib.so",
  ]);
});
