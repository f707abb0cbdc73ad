import assert from "node:assert/strict";
import { verifiedArchive } from "./driver_swiftshader.ts";

Deno.test("an archive other than the locked one is refused, by its hash", () => {
  assert.throws(
    () => verifiedArchive(new TextEncoder().encode("another archive")),
    /Refusing SwiftShader: .* has SHA-512 [0-9a-f]{16}…, not 8396c0e03b47be60…/,
  );
});
