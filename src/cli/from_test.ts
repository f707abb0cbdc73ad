/** Stages, their saved weights, and `ablate --from`: a run with a pre-trained decoder, tested again elsewhere. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildTokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { prepareDriver } from "../gpu/driver.ts";
import { parseSafetensors } from "../models/safetensors.ts";
import { writeSafetensors } from "../models/safetensors.ts";
import { readRunRecord } from "../records/read_records.ts";
import type { RunRecord, StudyRecord } from "../records/record.ts";
import { loadStudyData } from "../study/prepare.ts";
import { printed } from "../testing/printed.ts";
import { TINY_CONFIG_JSON, tinyTensors } from "../testing/tiny_checkpoint.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { main } from "./main.ts";

await prepareDriver({ quiet: true });

const dir = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
Deno.env.set("PLUMBLINE_CACHE", join(dir, "cache"));

const BASE = tinyStudy();
const { train } = await loadStudyData(BASE, {});
const own = buildTokenizer(
  train.flatMap(({ questions }) => questions.flatMap(({ text, answer }) => [text, answer])),
);

/** A decoder's folder in Hugging Face's layout. */
async function writeLlm(name: string, seed: number): Promise<string> {
  const { tokenizer, config } = tokenizerFiles(own);
  const decoder = {
    ...TINY_CONFIG_JSON,
    vocab_size: own.vocabularySize,
    bos_token_id: own.bos,
    eos_token_id: own.eos,
  };
  const folder = join(dir, name);
  await Deno.mkdir(folder);
  const json = {
    "config.json": decoder,
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
  };
  for (const [file, content] of Object.entries(json)) {
    await Deno.writeTextFile(join(folder, file), JSON.stringify(content));
  }
  const weights = writeSafetensors(tinyTensors({ ...decoder }, seed));
  await Deno.writeFile(join(folder, "model.safetensors"), weights);
  return folder;
}

const llm = await writeLlm("small-decoder", 1);
const study = join(dir, "staged.json");
await Deno.writeTextFile(
  study,
  JSON.stringify({
    ...BASE,
    name: "staged",
    llm: { name: llm },
    arms: [{ ...BASE.arms[0], stages: ["projector", "projector+lora"] }],
    seeds: 1,
    controls: ["question-only", "random-llm", "majority"],
    lora: { rank: 2, alpha: 8, dropout: 0.3, targets: ["q_proj", "v_proj"] },
    training: { ...BASE.training, steps: 3 },
  }),
);

/** Runs a command line in this process. */
const run = (...args: string[]) => printed(() => main(["ablate", study, ...args]));

const readJson = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await Deno.readTextFile(join(...path)));
const out = join(dir, "out");
const LAST = "baseline_lambda-0_seed-1_projector+lora";
const trained = join(out, "runs", `${LAST}.json`);

Deno.test("each stage of each run leaves its record and its weights", async () => {
  const { code, lines } = await run("--out", out);
  assert.equal(code, 0, lines.join("\n"));
  const names = ["baseline", "question-only", "random-llm"].flatMap((arm) =>
    ["projector", "projector+lora"].map((stage) => `${arm}_lambda-0_seed-1_${stage}`)
  );
  const listed = async (folder: string) =>
    (await Array.fromAsync(Deno.readDir(join(out, folder)))).map(({ name }) => name).sort();
  assert.deepEqual(await listed("runs"), names.map((name) => `${name}.json`).sort());
  assert.deepEqual(await listed("weights"), names.toSorted());
  assert.deepEqual(await listed("checkpoints"), [], "a finished run needs none");
  for (const name of names) {
    const { stage, role, arm, parameters, config } = await readJson<RunRecord>(
      out,
      "runs",
      `${name}.json`,
    );
    assert.equal(`${arm}_lambda-0_seed-1_${stage}`, name);
    assert.equal(role, arm === "baseline" ? "arm" : arm);
    assert.ok(parameters.trained < parameters.total / 2, "the decoder is frozen");
    const { llm, stages } = config as {
      llm: { name: string; contentHash: string };
      stages: { name: string }[];
    };
    assert.equal(llm.name, "small-decoder");
    assert.match(llm.contentHash, /^[0-9a-f]{64}$/);
    assert.deepEqual(stages.map(({ name }) => name), ["projector", "projector+lora"]);
  }
  assert.deepEqual(await listed("weights/baseline_lambda-0_seed-1_projector"), [
    "projector.safetensors",
  ]);
  assert.deepEqual(await listed(`weights/${LAST}`), [
    "adapter_config.json",
    "adapter_model.safetensors",
    "projector.safetensors",
  ]);
  const settings = await readJson<Record<string, unknown>>(
    out,
    "weights",
    LAST,
    "adapter_config.json",
  );
  assert.deepEqual(
    [settings.peft_type, settings.r, settings.lora_alpha, settings.base_model_name_or_path],
    ["LORA", 2, 8, "small-decoder"],
  );
  const adapters = parseSafetensors(
    await Deno.readFile(join(out, "weights", LAST, "adapter_model.safetensors")),
  );
  assert.equal(adapters.size, 2 * 2 * TINY_CONFIG_JSON.num_hidden_layers);
  const report = await Deno.readTextFile(join(out, "REPORT.md"));
  for (
    const part of ["| projector+lora |", "small-decoder (Llama architecture", "random-llm control"]
  ) {
    assert.ok(report.includes(part), part);
  }
  for (const text of [report, await Deno.readTextFile(join(out, "study.json"))]) {
    assert.ok(!text.includes(dir), "no folder of this machine");
  }
});

Deno.test("the same command trains nothing again", async () => {
  const { code, lines } = await run("--out", out);
  assert.equal(code, 0, lines.join("\n"));
  assert.ok(lines.includes("3 of 3 runs are there already"), lines.join("\n"));
});

for (const arm of ["baseline", "question-only", "random-llm"]) {
  Deno.test(`a saved run that is tested on its own data answers as it did: ${arm}`, async () => {
    const name = `${arm}_lambda-0_seed-1_projector+lora`;
    const to = join(dir, `same-${arm}`);
    const { code, lines } = await run("--from", join(out, "runs", `${name}.json`), "--out", to);
    assert.equal(code, 0, lines.join("\n"));
    const before = readRunRecord(join(out, "runs", `${name}.json`));
    const after = readRunRecord(join(to, "runs", `${arm}_lambda-0_seed-1.json`));
    const same = (
      { role, arm, stage, weightsSha256, answers, accuracy, embedding }: RunRecord,
    ) => ({
      ...{ role, arm, stage, weightsSha256, answers, accuracy, embedding },
    });
    assert.deepEqual(same(after), same(before));
    assert.equal(after.losses.testTokenLoss, before.losses.testTokenLoss);
    assert.deepEqual([after.steps, after.losses.curve, after.parameters.trained], [0, [], 0]);
    assert.equal(after.parameters.total, before.parameters.total);
    await assert.rejects(Deno.stat(join(to, "weights")), "what is not trained is not saved again");
  });
}

Deno.test("a saved run is tested on other data, once", async () => {
  const to = join(dir, "other-data");
  const args = ["--from", trained, "--set", "data.seed=7", "--out", to];
  const { code, out: printed, lines } = await run(...args);
  assert.equal(code, 0, lines.join("\n"));
  assert.ok(printed.endsWith(`Report: ${join(to, "REPORT.md")}`));
  const before = readRunRecord(trained);
  const after = readRunRecord(join(to, "runs", "baseline_lambda-0_seed-1.json"));
  assert.equal(after.weightsSha256, before.weightsSha256);
  assert.notDeepEqual(after.answers.map(({ id }) => id), []);
  const data = (record: RunRecord) => (record.config as { data: { contentHash: string } }).data;
  assert.notEqual(data(after).contentHash, data(before).contentHash);
  assert.equal((after.config as { from: string }).from, before.weightsSha256);
  const { command, planned } = await readJson<StudyRecord>(to, "study.json");
  assert.equal(command, "deno task ablate STUDY.json --from RECORD.json --set data.seed=7");
  assert.equal(planned!.length, 1);

  const again = await run(...args);
  assert.ok(again.lines.includes("1 of 1 runs are there already"), again.lines.join("\n"));
  // Another run's weights are no second call of the same.
  const first = join(out, "runs", "baseline_lambda-0_seed-1_projector.json");
  const other = await run("--from", first, "--set", "data.seed=7", "--out", to);
  assert.equal(other.code, 1);
  assert.match(other.lines.at(-1)!, /settings.json" has other settings \(config.from was "/);
});

Deno.test("the plan of a saved run is one run with nothing to train", async () => {
  const to = join(dir, "planned");
  const args = ["--from", trained, "--dry-run", "--out", to];
  const { code, out: printed, lines } = await run(...args, "--json");
  assert.equal(code, 0, lines.join("\n"));
  const { runs, controls, estimate } = JSON.parse(printed);
  assert.deepEqual(controls, []);
  assert.deepEqual(runs, [{
    ...{ arm: "baseline", connector: "mlp", lambda: 0, seed: 1, fold: 0 },
    stages: ["projector+lora"],
  }]);
  assert.ok(estimate.seconds < 10, `${estimate.seconds} s`);
  // As many steps as anyone can wait for change nothing.
  const long = await run(...args, "--set", "training.steps=1000000");
  assert.match(long.out, /^1 runs, about \d s, /m);
  await assert.rejects(Deno.stat(to), Deno.errors.NotFound);
});

Deno.test("a folded study tests every question of train and validation once, and says so", async () => {
  const to = join(dir, "folded");
  const { code, lines } = await run(
    ...["--folds", "2", "--set", "folds.by=question", "--set", 'controls=["majority"]'],
    ...["--steps", "1", "--out", to],
  );
  assert.equal(code, 0, lines.join("\n"));
  const { folds, majority, planned } = await readJson<StudyRecord>(to, "study.json");
  assert.deepEqual(folds, { count: 2, by: "question" });
  assert.equal(planned!.length, 2 * 2);
  const { train, validation } = await loadStudyData(BASE, {});
  const asked = [...train, ...validation].flatMap(({ questions }) => questions.map(({ id }) => id));
  const counted = Object.values(majority.byType).reduce((sum, { n }) => sum + n, 0);
  assert.equal(counted, asked.length);
  for (const stage of ["projector", "projector+lora"]) {
    const answered = ["", "_fold-1"].map((fold) => {
      const name = `baseline_lambda-0_seed-1${fold}_${stage}.json`;
      const { answers } = readRunRecord(join(to, "runs", name));
      return answers.map(({ id }) => id);
    });
    assert.deepEqual(answered.flat().sort(), asked.toSorted());
  }
  const report = (await Deno.readTextFile(join(to, "REPORT.md"))).replace(/ +/g, " ");
  assert.ok(report.includes("| Folds | 2 folds by question of train and validation together"));
  assert.ok(report.includes(`on ${asked.length} test questions`), "folds are pooled");
});

Deno.test("a run is tested on its own fold of its own data, and never on one that it was trained on", async () => {
  const folded = join(dir, "folded.json");
  const folds = { count: 2, by: "question", seed: 0 };
  await Deno.writeTextFile(folded, JSON.stringify({ ...await readJson<object>(study), folds }));
  const tested = async (record: string, out: string, ...args: string[]) => {
    const { code, lines } = await printed(() =>
      main(["ablate", folded, "--from", record, "--out", join(dir, out), ...args])
    );
    assert.equal(code, 0, lines.join("\n"));
    const [{ name }] = await Array.fromAsync(Deno.readDir(join(dir, out, "runs")));
    const { fold, answers } = readRunRecord(join(dir, out, "runs", name));
    return { fold, answers, folds: (await readJson<StudyRecord>(dir, out, "study.json")).folds };
  };
  const second = join(dir, "folded", "runs", "baseline_lambda-0_seed-1_fold-1_projector+lora.json");
  assert.deepEqual(await tested(second, "own-fold"), {
    fold: 1,
    answers: readRunRecord(second).answers,
    folds: { count: 2, by: "question" },
  });
  const idsOf = async (seed: number) => {
    const { test } = await loadStudyData({ ...BASE, data: { ...BASE.data, seed } }, {});
    return test.flatMap(({ questions }) => questions.map(({ id }) => id));
  };
  const cases: [record: string, out: string, seed: number, args: string[]][] = [
    [second, "fold-of-other-data", 7, ["--set", "data.seed=7"]],
    [second, "fold-of-other-folds", 0, ["--set", "folds.seed=1"]],
    [trained, "run-without-folds", 0, []],
  ];
  for (const [record, out, seed, args] of cases) {
    const { fold, answers, folds } = await tested(record, out, ...args);
    assert.deepEqual([fold, folds], [0, undefined], out);
    assert.deepEqual(answers.map(({ id }) => id), await idsOf(seed), out);
  }
});

/** The one line that says what is wrong. */
async function errorOf(...args: string[]): Promise<string> {
  const { code, out, lines } = await run(...args);
  assert.equal(code, 1, lines.join("\n"));
  assert.equal(out, "");
  const errors = lines.filter((line) => !line.startsWith("Adapter: "));
  assert.equal(errors.length, 1, lines.join("\n"));
  return errors[0];
}

Deno.test("what does not belong to a saved run, or is asked of no encoder, is refused in one line, and nothing is written", async () => {
  const none = join(dir, "none");
  const other = await writeLlm("other-decoder", 2);
  const cases: [args: string[], message: RegExp][] = [
    [
      ["--from", trained, "--encoder", "hog"],
      /^error: Cannot test run "baseline": it was trained with image encoder "patches", and this one, "hog", differs from it$/,
    ],
    [
      ["--from", trained, "--set", "encoder.width=16"],
      /^error: Cannot test run "baseline": it was trained with image encoder "patches", and this one, "patches", differs/,
    ],
    [
      ["--from", trained, "--llm", other],
      /^error: Cannot test run "baseline": it was trained with language model "small-decoder", and this one, "other-decoder", differs from it$/,
    ],
    [
      ["--set", 'controls=["random-encoder"]'],
      /^error: Cannot draw random weights for encoder "patches": only CLIP checkpoints are drawn anew$/,
    ],
    [
      ["--from", join(dir, "no-such-record.json")],
      /^error: Cannot read record: ".*no-such-record.json" does not exist/,
    ],
  ];
  for (const [args, message] of cases) {
    for (const flags of args.includes("--from") ? [[], ["--dry-run"]] : [[]]) {
      assert.match(await errorOf(...args, ...flags, "--out", none), message);
    }
    await assert.rejects(Deno.stat(none), Deno.errors.NotFound);
  }
});

Deno.test("a saved run without its weights, with damaged ones, or with a decoder of its own words is refused", async () => {
  const folder = join(dir, "moved");
  await Deno.mkdir(join(folder, "runs"), { recursive: true });
  const record = readRunRecord(trained);
  const path = join(folder, "runs", "a.json");
  const none = join(dir, "none");
  const write = (record: unknown) => Deno.writeTextFile(path, JSON.stringify(record));
  await write(record);
  assert.equal(
    await errorOf("--from", path, "--out", none),
    `error: Cannot test run "${path}": its weights are not in "${join(folder, "weights", "a")}"`,
  );
  const weights = join(folder, "weights", "a");
  await Deno.mkdir(weights, { recursive: true });
  assert.equal(
    await errorOf("--from", path, "--out", none),
    `error: Cannot load run: "${weights}" has no "projector.safetensors"`,
  );
  await Deno.writeTextFile(join(weights, "projector.safetensors"), "mine");
  assert.match(
    await errorOf("--from", path, "--out", none),
    /^error: Cannot read safetensors: the file has 4 bytes, .* in ".*projector.safetensors"$/,
  );
  const config = record.config as { llm: Record<string, unknown>; projector: unknown };
  await write({ ...record, config: { ...config, llm: { ...config.llm, contentHash: null } } });
  assert.equal(
    await errorOf("--from", path, "--out", none),
    'error: Cannot test run "baseline": its decoder began from random weights, ' +
      "and its tokenizer knows the words of its own data only",
  );
  await write({ ...record, config: { ...config, projector: undefined } });
  assert.equal(
    await errorOf("--from", path, "--out", none),
    'error: Cannot test run "baseline": its record does not say what its projector was like',
  );
  await assert.rejects(Deno.stat(none), Deno.errors.NotFound);
});
