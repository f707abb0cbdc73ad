/** The whole way, from a command line to a report, on a study of four steps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { prepareDriver } from "../gpu/driver.ts";
import { readRecords } from "../records/read_records.ts";
import type { Results, RunRecord } from "../records/record.ts";
import { tinyStudy } from "../testing/tiny_study.ts";

// Chosen once, here; the processes below take it over.
await prepareDriver({ quiet: true });

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const CONDITIONS = [
  "baseline 0",
  "cosine-constraint 0",
  "cosine-constraint 1",
  "self-distillation 0",
  "self-distillation 1",
];
const RUNS = 2 * (CONDITIONS.length + 1);

const dir = await Deno.makeTempDir();
const out = join(dir, "out");
const study = join(dir, "tiny.json");
await Deno.writeTextFile(study, JSON.stringify(tinyStudy()));
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));

function start(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "-A", MAIN, ...args],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { PLUMBLINE_CACHE: join(dir, "cache"), NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await start(...args).output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

/** Lines about progress and the adapter may stand before the one that says what is wrong. */
function errorOf({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>): string {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  const errors = stderr.trimEnd().split("\n").filter((line) =>
    !/^(Adapter|Checking|Encoding pictures|Timing register blocks|\d+ runs, about)/.test(line)
  );
  assert.equal(errors.length, 1, stderr);
  assert.match(errors[0], /^error: /);
  return errors[0];
}

/** Every file below a folder but those of other studies, by its path. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      for (const [file, text] of Object.entries(await filesOf(join(folder, name)))) {
        files[`${name}/${file}`] = text;
      }
    } else {
      files[name] = await Deno.readTextFile(join(folder, name));
    }
  }
  return files;
}

const recordsOf = (files: Record<string, string>): RunRecord[] =>
  Object.keys(files).filter((name) => name.startsWith("runs/")).sort().map((name) =>
    JSON.parse(files[name])
  );

/** What two executions of the same study must agree in. */
const withoutTimes = (records: RunRecord[]) =>
  records.map((record) => ({ ...record, seconds: undefined, sha256: undefined }));

Deno.test("a plan is JSON on standard output, with runs, controls and an estimate", async () => {
  const { code, stdout, stderr } = await run("ablate", study, "--out", out, "--dry-run", "--json");
  assert.equal(code, 0, stderr);
  const { runs, controls, estimate, ...rest } = JSON.parse(stdout);
  assert.deepEqual(rest, {});
  assert.deepEqual(
    runs,
    [1, 2].flatMap((seed) =>
      CONDITIONS.map((condition) => {
        const [arm, lambda] = condition.split(" ");
        return { arm, connector: "mlp", lambda: Number(lambda), seed, fold: 0, stages: ["all"] };
      })
    ),
  );
  assert.deepEqual(
    controls,
    [1, 2].map((seed) => ({
      arm: "question-only",
      connector: "mlp",
      lambda: 0,
      seed,
      fold: 0,
      stages: ["all"],
    })),
  );
  assert.deepEqual(Object.keys(estimate), ["seconds", "bytes"]);
  assert.ok(estimate.seconds > 0 && estimate.bytes > 0);
  await assert.rejects(Deno.stat(out), Deno.errors.NotFound, "a plan writes nothing");
});

Deno.test("Ctrl-C keeps finished runs, and the same command does the rest", async () => {
  const child = start("ablate", study, "--out", out);
  const stderr = child.stderr.pipeThrough(new TextDecoderStream());
  let said = "";
  for await (const text of stderr) {
    const before = said;
    said += text;
    if (!before.includes(": accuracy") && said.includes(": accuracy")) child.kill("SIGINT");
  }
  await child.stdout.cancel();
  assert.equal((await child.status).code, 130, said);
  assert.match(said, /Stopping after this step; finished runs are kept/);
  const kept = await filesOf(out);
  const finished = recordsOf(kept).length;
  assert.ok(finished >= 1 && finished < RUNS, `${finished} records`);

  const rest = await run("ablate", study, "--out", out);
  assert.equal(rest.code, 0, rest.stderr);
  assert.ok(rest.stderr.includes(`${finished} of ${RUNS} runs are there already`), rest.stderr);
  const files = await filesOf(out);
  assert.equal(recordsOf(files).length, RUNS);
  for (const [name, text] of Object.entries(kept)) {
    if (name.startsWith("runs/")) assert.equal(files[name], text, name);
  }
  assert.ok(rest.stdout.endsWith(`Report: ${join(out, "REPORT.md")}\n`));
});

Deno.test("a study leaves a report, its figures, its results, and a record of every run", async () => {
  const files = await filesOf(out);
  assert.deepEqual(
    Object.keys(files).filter((name) => !/^(runs|questions|figures|weights)\//.test(name)).sort(),
    [
      "REPORT.md",
      "plan.json",
      "results.json",
      "settings.json",
      "study.json",
    ],
  );
  // All runs are tested on the same questions.
  assert.equal(Object.keys(files).filter((name) => name.startsWith("questions/")).length, 1);
  const { plan } = JSON.parse(files["plan.json"]);
  for (const { config } of recordsOf(files)) {
    assert.deepEqual((config as { kernelPlan: unknown }).kernelPlan, plan);
  }
  assert.deepEqual(
    Object.keys(files).filter((name) => name.startsWith("runs/")).sort(),
    [...CONDITIONS, "question-only 0"].flatMap((condition) =>
      [1, 2].map((seed) => `runs/${condition.replace(" ", "_lambda-")}_seed-${seed}.json`)
    ).sort(),
  );
  const figures = Object.keys(files).filter((name) => name.startsWith("figures/"));
  assert.ok(figures.length > 0);
  for (const figure of figures) {
    assert.match(files[figure], /^<svg /);
    assert.ok(files["REPORT.md"].includes(figure), `${figure} stands in the report`);
  }
  assert.ok(
    !Object.values(files).some((text) => text.includes(dir)),
    "no file names a folder of this machine",
  );

  const { schemaVersion, study: name, adapter, runs, controls }: Results = JSON.parse(
    files["results.json"],
  );
  assert.deepEqual([schemaVersion, name], [1, "tiny"]);
  assert.notEqual(adapter.description, "");
  assert.deepEqual(
    runs.map(({ arm, lambda, seed, connector }) => `${arm} ${lambda} ${seed} ${connector}`).sort(),
    [...CONDITIONS, "question-only 0"].flatMap((condition) =>
      [1, 2].map((seed) => `${condition} ${seed} mlp`)
    ).sort(),
  );
  const questions = Object.values(controls.majority.byType).reduce((sum, { n }) => sum + n, 0);
  for (const { accuracy, losses, embedding, weightsSha256 } of runs) {
    checkAccuracy(accuracy, questions);
    assert.ok(Number.isFinite(losses.tokenLoss) && Number.isFinite(losses.testTokenLoss));
    assert.equal(losses.curve.length, 4);
    assert.deepEqual(losses.validation.map(({ step }) => step), [4]);
    assert.equal(embedding.tokens, 4 * 4);
    for (
      const value of [
        embedding.averageCosine,
        embedding.effectiveRank,
        embedding.participationRatio,
        embedding.meanNorm,
      ]
    ) {
      assert.ok(Number.isFinite(value));
    }
    assert.match(weightsSha256, /^[0-9a-f]{64}$/);
  }
  checkAccuracy(controls.majority, questions);
  for (const { answers } of (await readRecords(out)).runs) {
    assert.equal(answers.length, questions);
    for (const { id, image } of answers) assert.equal(id.startsWith(`${image}/`), true, id);
  }
});

function checkAccuracy(
  { overall, byType }: Results["runs"][number]["accuracy"],
  questions: number,
): void {
  assert.deepEqual(Object.keys(byType).sort(), ["color", "shape", "yes/no"]);
  let right = 0, asked = 0;
  for (const { accuracy, n } of Object.values(byType)) {
    assert.ok(accuracy >= 0 && accuracy <= 1);
    right += accuracy * n;
    asked += n;
  }
  assert.equal(asked, questions);
  assert.ok(Math.abs(overall - right / asked) < 1e-12);
}

Deno.test("at lambda 0 every arm equals the baseline bit for bit, and at lambda 1 none does", async () => {
  const records = recordsOf(await filesOf(out));
  for (const seed of [1, 2]) {
    const weights = (arm: string, lambda: number) =>
      records.find((record) =>
        record.arm === arm && record.lambda === lambda && record.seed === seed
      )!.weightsSha256;
    const baseline = weights("baseline", 0);
    for (const arm of ["cosine-constraint", "self-distillation"]) {
      assert.equal(weights(arm, 0), baseline);
      assert.notEqual(weights(arm, 1), baseline);
    }
    assert.notEqual(weights("question-only", 0), baseline);
  }
  const baselines = records.filter(({ arm }) => arm === "baseline").map(({ weightsSha256 }) =>
    weightsSha256
  );
  assert.equal(new Set(baselines).size, 2, "another seed gives other weights");
});

Deno.test("a second call trains nothing and gives the same bytes", async () => {
  const before = await filesOf(out);
  const { code, stdout, stderr } = await run("ablate", study, "--out", out, "--json");
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`${RUNS} of ${RUNS} runs are there already`));
  assert.ok(!stderr.includes("accuracy"), stderr);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(before["results.json"]));
  assert.deepEqual(await filesOf(out), before);
});

Deno.test("a report is rebuilt to the byte from its records, wherever the folder stands", async () => {
  const before = await filesOf(out);
  const moved = join(dir, "moved", "elsewhere");
  await Deno.mkdir(join(dir, "moved"));
  await Deno.rename(out, moved);
  for (const name of ["REPORT.md", "results.json", "figures"]) {
    await Deno.remove(join(moved, name), { recursive: true });
  }
  const { code, stderr } = await run("report", moved);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await filesOf(moved), before);
  await Deno.rename(moved, out);
});

Deno.test("records made with other settings are refused, and stay as they are", async () => {
  const before = await filesOf(out);
  const error = errorOf(await run("ablate", study, "--out", out, "--steps", "5"));
  assert.match(
    error,
    /"[^"]*settings.json" has other settings \(config.training.steps was 4, is 5\)/,
  );
  assert.match(error, /choose another --out or add --fresh$/);
  assert.deepEqual(await filesOf(out), before);
});

Deno.test("a truncated record is set aside and its run done again, to the same weights", async () => {
  const path = join(out, "runs", "baseline_lambda-0_seed-1.json");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.slice(0, text.length / 2));
  const { code, stderr } = await run("ablate", study, "--out", out);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^Record "baseline_lambda-0_seed-1.json" is damaged and is now "baseline_lambda-0_seed-1.json.damaged"; its run is done again$/m,
  );
  assert.match(stderr, /^11 of 12 runs are there already$/m);
  assert.equal(await Deno.readTextFile(`${path}.damaged`), text.slice(0, text.length / 2));
  await Deno.remove(`${path}.damaged`);
  const again = JSON.parse(await Deno.readTextFile(path));
  assert.deepEqual(withoutTimes([again]), withoutTimes([JSON.parse(text)]));
});

Deno.test("--fresh moves records aside and trains anew, to the same weights", async () => {
  const before = await filesOf(out);
  const { code, stderr } = await run("ablate", study, "--out", out, "--fresh");
  assert.equal(code, 0, stderr);
  const [, aside] = /^Earlier records are now in (.+)$/m.exec(stderr)!;
  assert.deepEqual(await filesOf(aside), before);
  // The tuner may have come further this time; its choices change no number but the run's id.
  const results = (files: Record<string, string>) =>
    withoutTimes(recordsOf(files)).map((record) => ({
      ...record,
      id: null,
      config: { ...record.config as object, kernelPlan: null },
    }));
  assert.deepEqual(results(await filesOf(out)), results(before));
});

Deno.test("an adapter that is not there is refused by name before anything is written", async () => {
  const none = join(dir, "none");
  const error = errorOf(await run("ablate", study, "--out", none, "--adapter", "no such adapter"));
  assert.match(error, /Cannot find adapter "no such adapter": there are /);
  await assert.rejects(Deno.stat(none), Deno.errors.NotFound);
});

Deno.test("a file in the way of the folder is refused by name, and stays", async () => {
  const file = join(dir, "file");
  await Deno.writeTextFile(file, "mine");
  for (const fresh of [[], ["--fresh"]]) {
    const { code, stdout, stderr } = await run("ablate", study, "--out", file, ...fresh);
    const error = `error: option '--out <dir>' needs a folder: "${file}" is a file\n`;
    assert.deepEqual([code, stdout, stderr], [2, "", error]);
  }
  assert.equal(await Deno.readTextFile(file), "mine");
});

Deno.test("folds that cannot be made are refused before --fresh moves anything", async () => {
  const before = await filesOf(out);
  const error = errorOf(await run("ablate", study, "--out", out, "--fresh", "--folds", "50"));
  assert.equal(error, "error: Cannot make 50 folds of 16 images");
  assert.deepEqual(await filesOf(out), before);
});

Deno.test("a picture that is damaged is refused by name, before --fresh moves anything", async () => {
  const before = await filesOf(out);
  const data = join(dir, "pictures");
  for (const split of ["train", "test"]) {
    await Deno.mkdir(join(data, split, "images"), { recursive: true });
    await Deno.writeTextFile(
      join(data, split, "questions.json"),
      JSON.stringify([["what shape is in the image?", "circle", 0]]),
    );
    const picture = PNG.sync.write(new PNG({ width: 64, height: 64 }));
    await Deno.writeFile(
      join(data, split, "images", "0.png"),
      split === "train" ? picture.subarray(0, picture.length / 2) : picture,
    );
  }
  const error = errorOf(
    await run(
      "ablate",
      study,
      "--data",
      "easy-vqa",
      "--data-dir",
      data,
      "--out",
      out,
      "--fresh",
    ),
  );
  assert.match(error, /Cannot decode "train\/images\/0.png": a damaged or unsupported file/);
  assert.deepEqual(await filesOf(out), before);
});
