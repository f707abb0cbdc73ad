/** The command as a user meets it: a table, JSON, and a second call that measures nothing. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";

async function tune(cache: string, ...args: string[]) {
  const main = new URL("./main.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, "tune", ...args],
    // As `deno task` leaves it: the folder in which the command was typed.
    env: { PLUMBLINE_CACHE: cache, INIT_CWD: dirname(cache) },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("tune measures a study's products once and says what it chose", async () => {
  await inTempFolder(async (dir) => {
    const cache = join(dir, "cache");
    const file = join(dir, "tiny.json");
    await Deno.writeTextFile(file, JSON.stringify(tinyStudy()));
    const first = await tune(cache, file, "--json");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /Timing register blocks for \d+ classes/);
    const { plan, tuned } = JSON.parse(first.stdout);
    assert.ok(tuned.length > 0);
    for (const { name, chosen, timings } of tuned) {
      assert.deepEqual(plan.shapes[name], chosen);
      assert.ok(timings.length > 1);
    }
    const second = await tune(cache, file);
    assert.equal(second.code, 0, second.stderr);
    assert.doesNotMatch(second.stderr, /Timing/);
    assert.match(second.stdout, /^class +used +chosen +tried/m);
  });
});

Deno.test("tune refuses a study that is not there in one line", async () => {
  const { code, stderr } = await tune("unused", "no-such-study");
  assert.equal(code, 1);
  assert.match(stderr, /^error: .*no-such-study.*\n$/);
});

Deno.test("tune reads data from the folder as the caller names it", async () => {
  await inTempFolder(async (dir) => {
    const { code, stderr } = await tune(join(dir, "cache"), "easy-vqa", "--data-dir", "pictures");
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `error: Cannot read easy-vqa: there is no folder "${join(dir, "pictures")}"\n`,
    );
  });
});
