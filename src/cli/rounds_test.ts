/** Repeated self-distillation from the command line: every round a run, each student the next teacher. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareDriver } from "../gpu/driver.ts";
import type { RunRecord } from "../records/record.ts";
import { tinyStudy } from "../testing/tiny_study.ts";

await prepareDriver({ quiet: true });

const dir = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const [arm] = tinyStudy().arms;
const study = join(dir, "rounds.json");
await Deno.writeTextFile(
  study,
  JSON.stringify(tinyStudy({
    arms: [
      arm,
      { ...arm, name: "taught", rounds: { count: 2, xi: 0.5 } },
      { ...arm, name: "untaught", rounds: { count: 1, xi: 0 } },
    ],
    seeds: 1,
    controls: ["majority"],
  })),
);

async function ablate(out: string): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-lock", "-A", fileURLToPath(new URL("./main.ts", import.meta.url))],
      ...["ablate", study, "--out", out],
    ],
    env: { PLUMBLINE_CACHE: join(dir, "cache"), NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

const recordOf = async (out: string, name: string): Promise<RunRecord> =>
  JSON.parse(await Deno.readTextFile(join(out, "runs", `${name}.json`)));

Deno.test("every round is a run that the one before teaches, and goes on from it", async () => {
  const out = join(dir, "out");
  const { code, stderr } = await ablate(out);
  assert.equal(code, 0, stderr);
  const hashOf = async (name: string) => (await recordOf(out, name)).weightsSha256;
  const base = "lambda-0_seed-1";
  const [plain, first, second, third, untaught] = await Promise.all(
    [
      `baseline_${base}`,
      `taught_${base}`,
      `taught_${base}_round-1`,
      `taught_${base}_round-2`,
      `untaught_${base}_round-1`,
    ].map(hashOf),
  );
  // The first round has no teacher; every student begins anew; the control differs by its teacher alone.
  assert.equal(first, plain);
  assert.equal(new Set([first, second, third, untaught]).size, 4);
  const report = await Deno.readTextFile(join(out, "REPORT.md"));
  assert.match(report, /\| Arm +\| Round \|/);
  assert.match(report, /\| taught +\| +2 \|/);

  // The last round again, from what the one before left on disk.
  await Deno.remove(join(out, "runs", `taught_${base}_round-2.json`));
  assert.equal((await ablate(out)).code, 0);
  assert.equal(await hashOf(`taught_${base}_round-2`), third);

  // And where that is gone, the round before first, for which its own teacher is still there.
  await Deno.remove(join(out, "runs", `taught_${base}_round-2.json`));
  await Deno.remove(join(out, "weights", `taught_${base}_round-1`), { recursive: true });
  const again = await ablate(out);
  assert.equal(again.code, 0, again.stderr);
  const file = `taught_${base}_round-1.json`;
  assert.ok(again.stderr.includes(
    `Record "${file}" has lost the weights that teach the next round and is now ` +
      `"${file}.weightless"; its run is done again`,
  ));
  assert.equal(await hashOf(`taught_${base}_round-1`), second);
  assert.equal(await hashOf(`taught_${base}_round-2`), third);

  // Weights that are damaged are not replaced.
  await Deno.remove(join(out, "runs", `taught_${base}_round-2.json`));
  await Deno.writeTextFile(
    join(out, "weights", `taught_${base}_round-1`, "projector.safetensors"),
    "",
  );
  const failed = await ablate(out);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /error: Cannot teach round 2 of "taught": /);
});
