/** What a user who mistypes sees: one line that names it, and an exit code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { PNG } from "pngjs";
import { exampleRuns, exampleStudy } from "../records/example_records.ts";
import { printed } from "../testing/printed.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { main } from "./main.ts";

/** Runs a command line in this process. */
const run = (args: string[]) => printed(() => main(args));

/** A temporary folder with what the cases below name by `{dir}`. */
async function withFiles(check: (dir: string) => Promise<void>): Promise<void> {
  await inTempFolder(async (dir) => {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(join(dir, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(dir, path), text);
    };
    const study = JSON.stringify(tinyStudy());
    await write("tiny.json", study);
    await write("half.json", study.slice(0, study.length / 2));
    await write("wrong.json", study.replace('"steps":4', '"steps":"four"'));
    await Deno.mkdir(join(dir, "empty"));
    const questions = JSON.stringify([["what shape is in the image?", "circle", 0]]);
    for (const data of ["truncated", "no-image"]) {
      for (const split of ["train", "test"]) {
        await write(
          `${data}/data/${split}/questions.json`,
          data === "truncated" ? questions.slice(0, 20) : questions,
        );
      }
    }
    await write("no-image/data/train/images/0.png", "this is text");
    await Deno.mkdir(join(dir, "no-image/data/test/images"), { recursive: true });
    await Deno.writeFile(
      join(dir, "no-image/data/test/images/0.png"),
      PNG.sync.write(new PNG({ width: 1, height: 1 })),
    );
    await write("records/study.json", JSON.stringify(exampleStudy()));
    for (const record of exampleRuns([1])) {
      const text = JSON.stringify(record);
      await write(
        `records/runs/${record.arm}.json`,
        record.arm === "baseline" ? text.slice(0, 300) : text,
      );
    }
    const { data } = exampleStudy();
    for (const [name, contentHash] of [["one", "1".repeat(64)], ["two", "2".repeat(64)]]) {
      const study = exampleStudy({ data: { ...data, contentHash } });
      await write(`${name}/study.json`, JSON.stringify(study));
      await write(`${name}/runs/baseline.json`, JSON.stringify(exampleRuns([1])[0]));
    }
    await check(dir);
  });
}

const CASES: [args: string, code: number, message: RegExp][] = [
  ["ablat", 2, /unknown command 'ablat' \(Did you mean ablate\?\)/],
  ["ablate quik", 1, /Unknown study "quik"; did you mean "quick"\?/],
  ["ablate quick slake", 2, /too many arguments .* quick, slake/],
  ["ablate {dir}/none.json", 1, /Cannot read study .*none.json: there is no such file/],
  ["ablate {dir}/half.json", 1, /Cannot read study .*half.json: it is no JSON/],
  [
    "ablate {dir}/wrong.json",
    1,
    /Cannot read study .*wrong.json: "training.steps": expected number, received string/,
  ],
  ["ablate --arms basline", 1, /Unknown arm "basline"; did you mean "baseline"\?/],
  ["ablate --arms ,", 2, /'--arms <list>' argument ',' is invalid. No arm is named/],
  ["ablate --sed 3", 2, /unknown option '--sed' \(Did you mean --set\?\)/],
  ["ablate --lambda abc", 2, /'--lambda .*' argument 'abc' is invalid/],
  ["ablate --lambda 1:0:1", 2, /Cannot read lambda "1:0:1"/],
  ["ablate --lambda -1", 2, /Cannot read lambda "-1"/],
  ["ablate --seeds 0", 2, /'--seeds <n>' argument '0' is invalid/],
  ["ablate --seeds 1.5", 2, /'--seeds <n>' argument '1.5' is invalid/],
  ["ablate --seeds", 2, /'--seeds <n>' argument missing/],
  ["ablate --seeds 1000000000000", 1, /1000000000000 seeds .* are more than 100000 runs/],
  ["ablate --steps -5", 2, /'--steps <n>' argument '-5' is invalid/],
  [
    "ablate --out {dir}/tiny.json",
    2,
    /option '--out <dir>' needs a folder: ".*tiny.json" is a file/,
  ],
  ["ablate --out=", 2, /'--out <dir>' argument '' is invalid. No path is given/],
  [
    "ablate --shard 3/2",
    2,
    /'--shard <i\/n>' argument '3\/2' is invalid. Cannot read shard "3\/2"/,
  ],
  ["ablate --shard 1/2 --fresh", 2, /'--shard <i\/n>' cannot be used with option '--fresh'/],
  ...["--arms baseline", "--lambda 1", "--seeds 2", "--folds 3", "--steps 4"].map(
    (option): [string, number, RegExp] => [
      `ablate --from run.json ${option}`,
      2,
      new RegExp(`'--from <run>' cannot be used with option '${option.split(" ")[0]} <`),
    ],
  ),
  ["ablate --engine pbs", 2, /argument 'pbs' is invalid. Allowed choices are local, slurm/],
  ["ablate --slurm-time 9", 2, /'--slurm-time <time>' cannot be used with --engine local/],
  ["ablate --engine slurm --shard 1/2", 2, /'--shard <i\/n>' cannot be used with --engine slurm/],
  [
    "ablate --data-dir {dir}/empty",
    1,
    /Cannot read data set "easy-shapes" from a folder: it is drawn/,
  ],
  ["report compare {dir}/a {dir}/b --csv", 2, /unknown option '--csv'/],
  ["power --effect 1 --sd 1 --correlation 0.5", 1, /Cannot weigh a --correlation/],
  ["ablate --data esay-shapes", 1, /unknown data set "esay-shapes"; did you mean "easy-shapes"\?/],
  ["ablate --set training.stepz=3", 1, /unknown field "stepz"; did you mean "steps"\?/],
  [
    "ablate {dir}/tiny.json --set training.context=8",
    1,
    /Cannot fit question "train\/0\/\d+": .* the context leaves 8/,
  ],
  ["ablate {dir}/tiny.json --folds 50", 1, /Cannot make 50 folds of 16 images/],
  ["ablate {dir}/tiny.json --encoder patch", 1, /Unknown encoder "patch"; [^\n]*patches/],
  [
    "ablate {dir}/tiny.json --encoder {dir}/empty",
    1,
    /Cannot load encoder ".*empty": the folder has no "config.json"/,
  ],
  ["ablate {dir}/tiny.json --set encoder.patch=7", 1, /patch 7 does not divide image size 64/],
  ["ablate easy-vqa", 1, /Cannot read easy-vqa: no folder is named \(--data-dir DIR\)/],
  ["ablate easy-vqa --data-dir {dir}/none", 1, /Cannot read easy-vqa: there is no folder ".*none"/],
  [
    "ablate easy-vqa --data-dir {dir}/empty",
    1,
    /Cannot read easy-vqa: folder ".*empty" has no ".*questions.json"/,
  ],
  [
    "ablate easy-vqa --data-dir {dir}/truncated",
    1,
    /Cannot read easy-vqa: "train\/questions.json" is no JSON/,
  ],
  ["ablate easy-vqa --data-dir {dir}/no-image", 1, /"train\/images\/0.png" is no picture/],
  [
    "ablate slake --data-dir {dir}/empty",
    1,
    /Cannot read slake: folder ".*empty" has no "train.json"/,
  ],
  ["power --effect 1", 2, /required option '--sd <points>' not specified/],
  ["power --effect 0 --sd 1", 2, /The effect must be a number above 0, got "0"/],
  ["power --effect 1 --sd 1 --power 90", 2, /The power must be between 0 and 1, got "90"/],
  ["power --effect 1 --sd 1 --seeds 1", 1, /a test needs two seeds or more, got 1/],
  ["power --effect 1 --sd 1 --accuracy 175", 2, /The accuracy must be from 0 to 100, got "175"/],
  ["power --effect 1 --sd 1 --questions 100", 1, /give their --accuracy too/],
  ["report", 2, /missing required argument 'dir'/],
  ["vqa-accuracy --questions q --results r", 2, /required option '--annotations <file>' not/],
  [
    "vqa-accuracy --questions q --annotations a --results r --normalise never",
    2,
    /'--normalise <when>' argument 'never' is invalid. Allowed choices are official, always/,
  ],
  [
    "vqa-accuracy --questions {dir}/none.json --annotations a --results r",
    1,
    /Cannot score answers: there is no file ".*none.json"/,
  ],
  [
    "vqa-accuracy --questions {dir}/empty --annotations a --results r",
    1,
    /Cannot score answers: ".*empty": /,
  ],
  ["report {dir}/none", 1, /none.*study.json" does not exist/],
  ["report compare", 2, /missing required argument 'dir'/],
  ["report compare {dir}/one", 2, /missing required argument 'others'/],
  [
    "report compare {dir}/one {dir}/two --forc",
    2,
    /unknown option '--forc' \(Did you mean --force\?\)/,
  ],
  [
    "report compare {dir}/one {dir}/two",
    1,
    /Cannot compare studies of different data: .*one has 1{64} and .*two has 2{64} \(--force/,
  ],
  ["report compare {dir}/one {dir}/none", 1, /none.*study.json" does not exist/],
  ["report {dir}/records", 1, /baseline.json" is not complete JSON/],
];

// The plan must refuse what the runs would; what only a run looks at comes below, with a GPU.
for (const [args, code, message] of CASES) {
  for (const flags of args.startsWith("ablate") ? [[], ["--dry-run"]] : [[]]) {
    Deno.test(`plumbline ${[args, ...flags].join(" ")}: one line, exit code ${code}`, async () => {
      await withFiles(async (dir) => {
        const [command, ...rest] = args.replaceAll("{dir}", dir).split(" ");
        const { code: got, out, lines } = await run([command, ...flags, ...rest]);
        assert.equal(out, "");
        assert.equal(lines.length, 1, lines.join("\n"));
        assert.match(lines[0], /^error: /);
        assert.match(lines[0], message);
        assert.equal(got, code);
      });
    });
  }
}

Deno.test("help and version are no errors", async () => {
  const help = await run(["ablate", "--help"]);
  assert.deepEqual([help.code, help.lines], [0, []]);
  for (
    const option of [
      "out",
      "arms",
      "lambda",
      "seeds",
      "data",
      "data-dir",
      "encoder",
      "steps",
      "set",
      "adapter",
      "dry-run",
      "fresh",
      "json",
      "shard",
      "engine",
      "slurm-partition",
    ]
  ) {
    assert.match(help.out, new RegExp(`^  --${option}\\b`, "m"));
  }
  const version = await run(["--version"]);
  assert.match(version.out, /^\d+\.\d+\.\d+$/);
  assert.equal(version.code, 0);
});

Deno.test("without a command the commands are listed, and nothing is done", async () => {
  const { code, out, lines } = await run([]);
  assert.equal(code, 2);
  assert.equal(out, "");
  for (const command of ["ablate", "doctor", "report"]) {
    assert.ok(lines.some((line) => line.includes(`  ${command} `)));
  }
});

for (
  const [how, program] of Object.entries({
    "thrown by a callback": `setTimeout(() => { throw new Error("gone\\n  wrong"); })`,
    "rejected": `Promise.reject(new Error("gone\\n  wrong"))`,
    "thrown by a listener":
      `const target = new EventTarget(); target.addEventListener("x", () => { throw new Error("gone wrong"); }); target.dispatchEvent(new Event("x"))`,
  })
) {
  Deno.test(`an error that no one awaits is one line too: ${how}`, async () => {
    const file = new URL("./main.ts", import.meta.url).href;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--no-lock",
        `const { endOnUncaught } = await import(${
          JSON.stringify(file)
        }); endOnUncaught(); ${program}`,
      ],
      cwd: new URL(".", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "error: gone wrong\n");
    assert.equal(new TextDecoder().decode(stdout), "");
    assert.equal(code, 1);
  });
}
