import assert from "node:assert/strict";
import { isAbsolute, join, resolve } from "node:path";
import { callerDir, callerPath, namedPath } from "./paths.ts";

function withInitCwd(value: string | undefined, check: () => void): void {
  const before = Deno.env.get("INIT_CWD");
  if (value === undefined) Deno.env.delete("INIT_CWD");
  else Deno.env.set("INIT_CWD", value);
  try {
    check();
  } finally {
    if (before === undefined) Deno.env.delete("INIT_CWD");
    else Deno.env.set("INIT_CWD", before);
  }
}

Deno.test("paths start from the folder in which a task was typed", () => {
  const typed = join(Deno.cwd(), "elsewhere");
  withInitCwd(typed, () => {
    assert.equal(callerDir(), typed);
    assert.equal(callerPath("runs/quick"), join(typed, "runs", "quick"));
    assert.equal(callerPath("../data"), join(Deno.cwd(), "data"));
  });
});

Deno.test("without a task they start from the current folder", () => {
  withInitCwd(undefined, () => assert.equal(callerPath("runs"), join(Deno.cwd(), "runs")));
});

Deno.test("a full path stays as it is", () => {
  const path = join(Deno.cwd(), "x");
  assert.ok(isAbsolute(path));
  withInitCwd("/elsewhere", () => assert.equal(callerPath(path), path));
});

Deno.test("an option that names nothing is refused", () => {
  assert.throws(() => namedPath(" "), { name: "RangeError", message: "No path is given" });
  withInitCwd("/elsewhere", () => assert.equal(namedPath("x"), resolve("/elsewhere/x")));
});
