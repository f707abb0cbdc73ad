/** What a study's submission asks of sbatch, which is a script here. */
import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { type Printed, printed } from "../testing/printed.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { main } from "./main.ts";

/** Answers as sbatch does with --parsable, with the number of the job; refuses a partition "none". */
const SBATCH = `#!/bin/sh
if [ "$1" = --version ]; then echo slurm 24.11.5; exit; fi
for script; do :; done
if grep -q partition=none "$script"; then echo "sbatch: error: invalid partition" >&2; exit 1; fi
echo "$@" >>"$(dirname "$0")/asked"
echo "$(wc -l <"$(dirname "$0")/asked");cluster"
`;

/** Runs a command line with a tiny study, and sbatch where one is given. */
async function submit(
  dir: string,
  args: string[],
  sbatch: string | null = SBATCH,
): Promise<Printed> {
  const study = join(dir, "tiny.json");
  await Deno.writeTextFile(study, JSON.stringify(tinyStudy()));
  await Deno.mkdir(join(dir, "bin"), { recursive: true });
  if (sbatch) await Deno.writeTextFile(join(dir, "bin/sbatch"), sbatch, { mode: 0o755 });
  const path = Deno.env.get("PATH")!;
  // A cluster's own sbatch must not be found.
  const own = path.split(delimiter).filter((folder) => {
    try {
      return !Deno.statSync(join(folder, "sbatch")).isFile;
    } catch {
      return true;
    }
  });
  Deno.env.set("PATH", [join(dir, "bin"), ...sbatch ? [path] : own].join(delimiter));
  try {
    return await printed(() => main(["ablate", study, "--engine", "slurm", ...args]));
  } finally {
    Deno.env.set("PATH", path);
  }
}

async function inFolder(check: (dir: string, out: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ suffix: " it's" });
  try {
    await check(dir, join(dir, "out"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("an array job and a report behind it are submitted, earlier records moved aside", async () => {
  await inFolder(async (dir, out) => {
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "study.json"), "earlier");
    const args = ["--steps", "2", "--slurm-partition", "gpu"];
    const { code, out: said, lines } = await submit(dir, ["--out", out, "--fresh", ...args]);
    assert.equal(code, 0, lines.join("\n"));
    assert.match(lines[0], /^Earlier records are now in .*out\./);
    await assert.rejects(Deno.stat(join(out, "study.json")), Deno.errors.NotFound);
    assert.match(said, /^Submitted 12 tasks as job 1, and the report as job 2\n/);
    const [array, report] = ["array", "report"].map((name) => join(out, "slurm", `${name}.sh`));
    assert.equal(
      await Deno.readTextFile(join(dir, "bin/asked")),
      `--parsable ${array}\n--parsable --dependency=afterany:1 ${report}\n`,
    );
    const script = await Deno.readTextFile(array);
    // Five conditions and a control, two seeds each.
    assert.match(script, /^#SBATCH --array=1-12$/m);
    assert.match(script, / ablate '.*tiny.json' --steps 2 --out '.*out' --shard "\$SLURM/);
    assert.doesNotMatch(script, /fresh/);
    assert.match(await Deno.readTextFile(report), / src\/cli\/start.ts report '.*out'$/m);
  });
});

Deno.test("a plan is the scripts, and writes nothing; there are no more tasks than runs", async () => {
  await inFolder(async (dir, out) => {
    const args = ["--slurm-tasks", "50", "--slurm-array-parallelism", "2", "--dry-run", "--json"];
    const { code, out: said, lines } = await submit(dir, ["--out", out, ...args], null);
    assert.equal(code, 0, lines.join("\n"));
    const scripts = JSON.parse(said);
    assert.match(scripts.array, /^#SBATCH --array=1-12%2$/m);
    assert.match(scripts.report, /^#SBATCH --job-name=plumbline-tiny-report$/m);
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});

Deno.test("without sbatch, or where it refuses, one line says so", async () => {
  await inFolder(async (dir, out) => {
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "study.json"), "earlier");
    const missing = await submit(dir, ["--out", out, "--fresh"], null);
    assert.deepEqual([missing.code, missing.out, missing.lines], [1, "", [
      "error: Cannot submit the study: there is no sbatch here; submit where SLURM is installed, " +
      "or see the scripts with --dry-run",
    ]]);
    assert.equal(await Deno.readTextFile(join(out, "study.json")), "earlier");
    const refused = await submit(dir, ["--out", out, "--slurm-partition", "none"]);
    assert.deepEqual([refused.code, refused.out, refused.lines], [1, "", [
      "error: Cannot submit job: sbatch: error: invalid partition",
    ]]);
  });
});
