import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { pythonCandidates } from "./pytorch.ts";

Deno.test("every Python of the search path is a candidate once, the system's the last", () => {
  const path = ["/a", "/b", "", "/a"].join(delimiter);
  assert.deepEqual(
    pythonCandidates(path),
    ["/a", "/b", "/usr/bin"].map((folder) => join(folder, "python3")),
  );
});
