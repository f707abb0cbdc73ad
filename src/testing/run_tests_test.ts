import assert from "node:assert/strict";
import { readSummary } from "./run_tests.ts";
import { inTempFolder } from "./temp_folder.ts";

Deno.test("the summary of deno test is read, colours and steps or not", () => {
  assert.deepEqual(readSummary("\nok | 12 passed | 0 failed (3s)\n", true), {
    passed: 12,
    failed: 0,
    ignored: 0,
  });
  assert.deepEqual(
    readSummary(
      "\n\x1b[31mFAILED\x1b[0m | 7 passed (31 steps) | 2 failed (1 step) | 1 ignored \x1b[90m(5ms)\x1b[0m\n",
      false,
    ),
    { passed: 7, failed: 2, ignored: 1 },
  );
});

Deno.test("of several summaries the last counts, since a test may print the others", () => {
  const output = "ok | 99 passed | 0 failed (1ms)\n...\nFAILED | 3 passed | 1 failed (26ms)\n";
  assert.deepEqual(readSummary(output, false), { passed: 3, failed: 1, ignored: 0 });
});

Deno.test("a run that crashed or did not compile has failed", () => {
  assert.deepEqual(readSummary("error: Type checking failed.\n", false), {
    passed: 0,
    failed: 1,
    ignored: 0,
  });
  assert.deepEqual(readSummary("ok | 3 passed | 0 failed (1ms)\n", false), {
    passed: 3,
    failed: 1,
    ignored: 0,
  });
});

Deno.test("the runner closes with its line and fails when a test fails", async () => {
  await inTempFolder(async (dir) => {
    await Deno.writeTextFile(
      `${dir}/a_test.ts`,
      `Deno.test("a", () => {}); Deno.test("b", () => { throw 1; });
       Deno.test({ name: "aside", ignore: true, fn() {} });`,
    );
    const runner = new URL("./run_tests.ts", import.meta.url).href;
    const run = async (...args: string[]) => {
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "--no-lock", runner, "--no-config", "--no-lock", ...args],
        cwd: dir,
        stderr: "null",
      }).output();
      const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
      const before = lines.at(-2);
      return { code, last: lines.at(-1), ...(before?.includes("ignored:") && { before }) };
    };
    const before = "1 ignored: what they need is not here";
    assert.deepEqual(await run(), { code: 1, last: "1 passed, 1 failed", before });
    assert.deepEqual(await run("--filter", "a"), { code: 0, last: "1 passed, 0 failed", before });
    assert.deepEqual(await run("no_such_test.ts"), { code: 1, last: "0 passed, 1 failed" });
  });
});
