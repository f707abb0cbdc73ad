import assert from "node:assert/strict";
import { join } from "node:path";
import { printed } from "../src/testing/printed.ts";
import { inTempFolder } from "../src/testing/temp_folder.ts";
import { exampleRecord } from "./example_record.ts";
import { main } from "./main.ts";
import { formatJson } from "./record.ts";

/** Runs a command line in this process. */
const run = (args: string[]) => printed(() => main(args));

async function withRecord(check: (dir: string) => Promise<void>): Promise<void> {
  await inTempFolder(async (dir) => {
    await Deno.writeTextFile(join(dir, "bench.json"), formatJson(exampleRecord()));
    await check(dir);
  });
}

Deno.test("the report is rebuilt from its records byte for byte", async () => {
  await withRecord(async (dir) => {
    const rebuild = async () => {
      assert.equal((await run(["--render-only", "--out", dir])).code, 0);
      return await Deno.readTextFile(join(dir, "REPORT.md"));
    };
    const first = await rebuild();
    assert.match(first, /^# Kernel throughput\n/);
    assert.equal(await rebuild(), first);
  });
});

Deno.test("a record is printed as JSON, with the comparison that was asked for", async () => {
  await withRecord(async (dir) => {
    const args = ["--render-only", "--out", dir, "--compare", join(dir, "bench.json")];
    const printed = JSON.parse((await run([...args, "--json"])).out);
    assert.equal(printed.schemaVersion, 1);
    assert.deepEqual(
      printed.comparison.map(({ verdict }: { verdict: string }) => verdict),
      ["no difference seen", "no difference seen"],
    );
    assert.match((await run(args)).out, /^\| projection, forward .*no difference seen \|$/m);
  });
});

Deno.test("a wrong command line ends in one line and 2, what cannot be read in one line and 1", async () => {
  await withRecord(async (dir) => {
    await Deno.writeTextFile(join(dir, "half.json"), "{");
    const other = exampleRecord();
    other.environment.operandForm = "image";
    await Deno.writeTextFile(join(dir, "other.json"), formatJson(other));
    const compare = (name: string) => ["--render-only", "--out", dir, "--compare", join(dir, name)];
    const cases: [args: string[], code: number, line: RegExp][] = [
      [["--sample", "3"], 2, /unknown option '--sample'/],
      [["--samples", "none"], 2, /'none' is invalid.*whole number of at least 1/],
      [["--samples", "0"], 2, /'0' is invalid/],
      [["--long-steps", "20"], 2, /at least 21/],
      [["--filter", "cosinus"], 2, /'cosinus' is invalid.*there are projection, forward; /],
      [["everything"], 2, /too many arguments/],
      [compare("none.json"), 1, /Cannot read measurements .*none\.json: there is no such file/],
      [compare("half.json"), 1, /Cannot read measurements .*half\.json: it is no JSON/],
      [compare("other.json"), 1, /Cannot compare measurements: the operand form was "image"/],
      [["--render-only", "--out", join(dir, "none")], 1, /none.bench\.json: there is no such file/],
    ];
    for (const [args, code, line] of cases) {
      const result = await run(args);
      assert.equal(result.code, code, args.join(" "));
      assert.equal(result.lines.length, 1, result.lines.join("\n"));
      assert.match(result.lines[0], line);
    }
  });
});
