/** A study in shards, by processes that share nothing but its folder. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareDriver } from "../gpu/driver.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { withoutTimes } from "../testing/without_times.ts";

await prepareDriver({ quiet: true });

const dir = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const study = join(dir, "tiny.json");
const [baseline, cosine] = tinyStudy().arms;
const taught = { ...baseline, name: "taught", rounds: { count: 1, xi: 0.5 } };
await Deno.writeTextFile(
  study,
  JSON.stringify(tinyStudy({ arms: [baseline, cosine, taught], seeds: 1, controls: ["majority"] })),
);

async function ablate(cache: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-lock", "-A", fileURLToPath(new URL("./main.ts", import.meta.url))],
      ...["ablate", study, ...args],
    ],
    env: { PLUMBLINE_CACHE: join(dir, cache), NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("shards that start at once leave what one process would, and the last one the report", async () => {
  const [merged, single] = ["merged", "single"].map((name) => join(dir, name));
  // With caches of their own each times its kernels, unless the other has frozen a plan already.
  const shards = await Promise.all(
    [1, 2].map((i) => ablate(`cache-${i}`, "--out", merged, "--shard", `${i}/2`)),
  );
  for (const { code, stderr } of shards) assert.equal(code, 0, stderr);
  const runsOf = ({ stderr }: typeof shards[number]) =>
    [...stderr.matchAll(/^\[(\d)\/5\] (\S+ lambda \d).*: accuracy/gm)].map(([, , name]) => name);
  assert.deepEqual(shards.map(runsOf), [
    ["baseline lambda 0", "taught lambda 0", "taught lambda 0"],
    ["cosine-constraint lambda 0", "cosine-constraint lambda 1"],
  ]);
  const reports = shards.filter(({ stdout }) => stdout.includes("Report: "));
  assert.ok(reports.length >= 1, "whoever was last has seen all records");
  for (const { stdout } of shards) {
    assert.match(
      stdout,
      /Report: |^Shard [12]\/2 has ended; no report yet, runs without a record: [1-3]\n$/,
    );
  }
  // The plan that both agreed on: timings are no part of what is compared.
  await Deno.mkdir(single);
  await Deno.copyFile(join(merged, "plan.json"), join(single, "plan.json"));
  const whole = await ablate("cache-1", "--out", single);
  assert.equal(whole.code, 0, whole.stderr);
  assert.deepEqual(await withoutTimes(merged), await withoutTimes(single));
});
