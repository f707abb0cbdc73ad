import assert from "node:assert/strict";
import { arrayScript, reportScript, type SlurmStudy } from "./slurm.ts";

const study: SlurmStudy = {
  name: "quick",
  out: "/scratch/quick",
  tasks: 12,
  project: "/home/me/plumbline",
  callerDir: "/home/me",
  ablate: [
    "deno",
    "run",
    "--allow-read",
    "src/cli/start.ts",
    "ablate",
    "quick",
    "--out",
    "/scratch/quick",
  ],
  report: ["deno", "run", "--allow-read", "src/cli/start.ts", "report", "/scratch/quick"],
};

/** Everything that is written into the scripts, with what shells and sbatch could trip over. */
const awkward: SlurmStudy = {
  ...study,
  name: 'it\'s "mine"',
  out: "/my scratch/100%",
  project: "/my home/it's",
  callerDir: "/my home",
  ablate: ["/my home/deno", "ablate", "--set", "title=$HOME `x`", "--out", "/my scratch/100%"],
  report: ["/my home/deno", "report", "/my scratch/100%"],
};

Deno.test("a study is an array of shards, which is requeued and appends to its logs", () => {
  assert.equal(
    arrayScript(study, {}),
    `#!/bin/bash
#SBATCH --job-name=plumbline-quick
#SBATCH --array=1-12
#SBATCH --output=/scratch/quick/slurm/%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
set -e
cd /home/me/plumbline
export INIT_CWD=/home/me
exec deno run --allow-read src/cli/start.ts ablate quick --out /scratch/quick --shard "$SLURM_ARRAY_TASK_ID/12"
`,
  );
});

Deno.test("its report is a job that needs no GPU", () => {
  assert.equal(
    reportScript(study, {
      mem: "64G",
      cpusPerTask: 8,
      arrayParallelism: 2,
      option: ["gres=gpu:1"],
    }),
    `#!/bin/bash
#SBATCH --job-name=plumbline-quick-report
#SBATCH --output=/scratch/quick/slurm/%j.log
set -e
cd /home/me/plumbline
export INIT_CWD=/home/me
exec deno run --allow-read src/cli/start.ts report /scratch/quick
`,
  );
});

const asked = {
  partition: "gpu",
  account: "physics",
  time: "2:00:00",
  mem: "16G",
  cpusPerTask: 4,
  arrayParallelism: 3,
  setup: ["module load vulkan", 'export X="a b"'],
  option: ["gres=gpu:1", "exclusive", "comment=two words"],
};

Deno.test("what is asked of the scheduler stands in the scripts, setup before the command", () => {
  assert.equal(
    arrayScript(study, asked),
    `#!/bin/bash
#SBATCH --job-name=plumbline-quick
#SBATCH --array=1-12%3
#SBATCH --output=/scratch/quick/slurm/%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --mem=16G
#SBATCH --cpus-per-task=4
#SBATCH --gres=gpu:1
#SBATCH --exclusive
#SBATCH --comment="two words"
#SBATCH --partition=gpu
#SBATCH --account=physics
#SBATCH --time=2:00:00
set -e
cd /home/me/plumbline
export INIT_CWD=/home/me
module load vulkan
export X="a b"
exec deno run --allow-read src/cli/start.ts ablate quick --out /scratch/quick --shard "$SLURM_ARRAY_TASK_ID/12"
`,
  );
  assert.equal(
    reportScript(study, asked),
    `#!/bin/bash
#SBATCH --job-name=plumbline-quick-report
#SBATCH --output=/scratch/quick/slurm/%j.log
#SBATCH --partition=gpu
#SBATCH --account=physics
#SBATCH --time=2:00:00
set -e
cd /home/me/plumbline
export INIT_CWD=/home/me
module load vulkan
export X="a b"
exec deno run --allow-read src/cli/start.ts report /scratch/quick
`,
  );
});

Deno.test("spaces, quotes, dollars and percent signs stay what they are", () => {
  assert.equal(
    arrayScript(awkward, {}),
    String.raw`#!/bin/bash
#SBATCH --job-name="plumbline-it's \"mine\""
#SBATCH --array=1-12
#SBATCH --output="/my scratch/100%%/slurm/%A_%a.log"
#SBATCH --open-mode=append
#SBATCH --requeue
set -e
cd '/my home/it'\''s'
export INIT_CWD='/my home'
exec '/my home/deno' ablate --set 'title=$HOME ${"`x`"}' --out '/my scratch/100%' --shard "$SLURM_ARRAY_TASK_ID/12"
`,
  );
});

Deno.test("the shell reads the words of a script as they were written", async () => {
  const words = [
    "printf",
    "%s\n",
    "a b",
    "it's",
    "$HOME",
    "`x`",
    'say "a"',
    "back\\slash",
    "*",
    "",
  ];
  const text = arrayScript({ ...study, project: "/", ablate: words }, {});
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", text],
    env: { SLURM_ARRAY_TASK_ID: "7" },
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\n"), [
    ...words.slice(2),
    "--shard",
    "7/12",
    "",
  ]);
});

Deno.test("an option that would be several, or none, is refused", () => {
  assert.throws(() => arrayScript(study, { partition: "gpu\n#SBATCH --uid=0" }), {
    name: "RangeError",
    message: /^Cannot write option of sbatch: it has several lines: /,
  });
  for (const option of ["--gres=gpu:1", "gres gpu", "=1", ""]) {
    assert.throws(() => arrayScript(study, { option: [option] }), {
      name: "RangeError",
      message: `Cannot write option of sbatch "${option}": it must be name=value, as in gres=gpu:1`,
    });
  }
});
