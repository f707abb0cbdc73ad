/** What a study does when something goes wrong with one of its runs, by making it go wrong. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openGpu } from "../gpu/adapter.ts";
import { createEngine, type Engine } from "../gpu/engine.ts";
import { defaultPlan } from "../gpu/plan.ts";
import { readRecords } from "../records/read_records.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { ablate, type AblationInput } from "./ablate.ts";
import { expandGrid, recordName, runName } from "./grid.ts";
import { takeLease } from "./lease.ts";

const [baseline, cosine] = tinyStudy().arms;
// A baseline would have to have the stage that diverges.
const plain = { ...baseline, name: "plain" };
const study = tinyStudy({
  arms: [
    plain,
    { ...cosine, lambda: [1] },
    { ...plain, name: "wild", stages: ["wild"] },
  ],
  stages: [{
    name: "wild",
    train: ["P1", "decoder"],
    draw: [],
    // No number outlives such a learning rate.
    training: { learningRate: 1e30, schedule: "constant" },
  }],
  seeds: 1,
  controls: [],
});
const tiny = await prepareTiny(study);

async function openEngine(): Promise<{ engine: Engine; adapter: AblationInput["adapter"] }> {
  const { device, record, plan } = await openGpu({ quiet: true });
  const engine = createEngine(device, defaultPlan("image", record.software, plan.lanes));
  return { engine, adapter: record };
}

interface Told {
  input: AblationInput;
  notes: string[];
  waits: number[];
}

async function inFolder(test: (told: Told) => Promise<void>): Promise<void> {
  await inTempFolder(async (out) => {
    const { dataset, encoder, language, data, runs } = tiny;
    const notes: string[] = [];
    const waits: number[] = [];
    const input: AblationInput = {
      ...{ study, dataset, encoder, language, runs, out },
      ...await openEngine(),
      dataOf: () => data,
      finished: new Set(),
      command: "deno task ablate tiny",
      onRun: (index, note) => notes.push(`${runs[index].arm}: ${note}`),
      onWait: (count) => waits.push(count),
    };
    await test({ input, notes, waits });
  });
}

/** Hash of the weights by arm. */
async function weightsIn(out: string): Promise<Record<string, string>> {
  const { runs } = await readRecords(out);
  return Object.fromEntries(runs.map(({ arm, weightsSha256 }) => [arm, weightsSha256]));
}

const undisturbed: Record<string, string> = {};

Deno.test("a run that diverges is reported as failed, the others go on, and it is not tried twice", () =>
  inFolder(async ({ input, notes }) => {
    assert.deepEqual(await ablate(input), { failed: 1 });
    Object.assign(undisturbed, await weightsIn(input.out));
    assert.deepEqual(Object.keys(undisturbed).sort(), ["cosine-constraint", "plain"]);
    const { failures, study: { planned } } = await readRecords(input.out);
    assert.deepEqual(failures.map(({ arm, reason, stage }) => [arm, reason, stage]), [
      ["wild", "diverged", "wild"],
    ]);
    assert.ok(planned!.some(({ arm }) => arm === "wild"));
    const [{ step }] = failures;
    assert.equal(
      notes.at(-1),
      `wild: Cannot go on training: the loss at step ${step} is no number`,
    );
    notes.length = 0;
    assert.deepEqual(await ablate(input), { failed: 1 });
    assert.deepEqual(notes, [
      "plain: done by another process",
      "cosine-constraint: done by another process",
      `wild: diverged before, at step ${step} of wild`,
    ]);
    assert.deepEqual([...Deno.readDirSync(join(input.out, "leases"))], []);
  }));

Deno.test("a run whose device is lost goes on with another one and ends as if nothing had been", () =>
  inFolder(async ({ input, notes }) => {
    let opened = 0;
    let current = input.engine;
    await ablate({
      ...input,
      runs: input.runs.slice(0, 2),
      onProgress: (index) => {
        if (index === 0 && opened === 0) current.device.destroy();
      },
      reopen: async () => {
        opened++;
        return current = (await openEngine()).engine;
      },
    });
    assert.equal(opened, 1);
    assert.equal(notes[0], "plain: the device was lost; going on from the last checkpoint");
    assert.deepEqual(await weightsIn(input.out), undisturbed);
    assert.deepEqual((await readRecords(input.out)).failures, []);
  }));

Deno.test("a run whose device is lost while it is tested goes on with another one", () =>
  inFolder(async ({ input, notes }) => {
    let opened = 0;
    let current = input.engine;
    const data = input.dataOf(input.runs[0]);
    // Answers are read while the next batch is asked.
    const decode = (ids: Iterable<number>) => {
      if (opened === 0) current.device.destroy();
      return data.tokenizer.decode(ids);
    };
    await ablate({
      ...input,
      // Without a validation the first answers are those of the test.
      runs: input.runs.slice(0, 2).map((settings) => ({
        ...settings,
        evaluation: { ...settings.evaluation, validations: 0 },
      })),
      dataOf: () => ({ ...data, tokenizer: { ...data.tokenizer, decode } }),
      reopen: async () => {
        opened++;
        return current = (await openEngine()).engine;
      },
    });
    assert.equal(opened, 1);
    assert.equal(notes[0], "plain: the device was lost; going on from the last checkpoint");
    assert.deepEqual(await weightsIn(input.out), undisturbed);
  }));

Deno.test("a run that loses every device is reported as failed, the others go on, and it is tried again", () =>
  inFolder(async ({ input }) => {
    let current = input.engine;
    let breaks = true;
    const broken: AblationInput = {
      ...input,
      runs: input.runs.slice(0, 2),
      onProgress: (index) => {
        if (index === 0 && breaks) current.device.destroy();
      },
      reopen: async () => current = (await openEngine()).engine,
    };
    assert.deepEqual(await ablate(broken), { failed: 1 });
    const { failures } = await readRecords(input.out);
    assert.deepEqual(failures.map(({ arm, reason }) => [arm, reason]), [[
      "plain",
      "device lost",
    ]]);
    assert.deepEqual(Object.keys(await weightsIn(input.out)), ["cosine-constraint"]);
    breaks = false;
    assert.deepEqual(await ablate({ ...broken, engine: current }), { failed: 0 });
    assert.deepEqual(await weightsIn(input.out), undisturbed);
    assert.deepEqual((await readRecords(input.out)).failures, []);
  }));

Deno.test("a run that another process is at is waited for, and done when that process has gone", () =>
  inFolder(async ({ input, notes, waits }) => {
    await Deno.mkdir(join(input.out, "leases"));
    const path = join(input.out, "leases", `${runName(input.runs[0])}.json`);
    const lease = await takeLease(path);
    await ablate({
      ...input,
      runs: input.runs.slice(0, 2),
      onWait: (count) => {
        waits.push(count);
        lease!.release();
      },
    });
    assert.deepEqual(waits, [1]);
    assert.deepEqual(notes.map((note) => note.split(":")[0]), ["cosine-constraint", "plain"]);
    assert.deepEqual(await weightsIn(input.out), undisturbed);
  }));

Deno.test("of two processes that begin at once with different settings one is refused", () =>
  inFolder(async ({ input }) => {
    const other = { ...study, training: { ...study.training, steps: 5 } };
    const inputs = [study, other].map((study) => ({
      ...{ ...input, study },
      runs: expandGrid(study).slice(0, 2),
    }));
    const begun = await Promise.allSettled(inputs.map(ablate));
    const refused = begun.filter((each) => each.status === "rejected");
    assert.equal(refused.length, 1);
    assert.match(
      `${refused[0].reason}`,
      /^RangeError: Cannot go on: ".*settings.json" has other settings \(config.training.steps was \d, is \d\); choose/,
    );
    const { runs } = await readRecords(input.out);
    assert.equal(runs.length, 2);
    assert.equal(new Set(runs.map(({ steps }) => steps)).size, 1, "no record of the other");
    assert.deepEqual([...Deno.readDirSync(join(input.out, "leases"))], []);
  }));

const staged = tinyStudy({
  arms: [{ ...plain, stages: ["projector", "all"] }],
  seeds: 1,
  controls: [],
});

/** Input for a run of two stages, and the paths of its records. */
function inStages(input: AblationInput): { input: AblationInput; records: string[] } {
  const runs = expandGrid(staged);
  const [{ stages }] = runs;
  const records = stages.map(({ name }) =>
    join(input.out, "runs", `${recordName(runs[0], name, stages.length)}.json`)
  );
  return { input: { ...input, study: staged, runs }, records };
}

/** Hash of the weights after each stage. */
const stagesIn = async (out: string) =>
  (await readRecords(out)).runs.map(({ stage, weightsSha256 }) => [stage, weightsSha256]);

Deno.test("a run that lacks the record of any of its stages is done again", () =>
  inFolder(async (told) => {
    const { input, records } = inStages(told.input);
    await ablate(input);
    const before = await stagesIn(input.out);
    assert.equal(before.length, 2);
    for (const path of records) {
      await Deno.remove(path);
      assert.deepEqual(await ablate(input), { failed: 0 });
      assert.deepEqual(await stagesIn(input.out), before);
    }
    told.notes.length = 0;
    await ablate(input);
    assert.deepEqual(told.notes, ["plain: done by another process"]);
  }));

Deno.test("a checkpoint is not gone on from where an earlier stage has lost its record", () =>
  inFolder(async (told) => {
    const { input, records } = inStages(told.input);
    await ablate(input);
    const before = await stagesIn(input.out);
    for (const path of records) await Deno.remove(path);
    const abort = new AbortController();
    const stopped = ablate({
      ...input,
      signal: abort.signal,
      onProgress: (_, stage) => stage === "all" && abort.abort(),
    });
    await assert.rejects(stopped, { name: "AbortError" });
    await Deno.remove(records[0]);
    await ablate(input);
    assert.deepEqual(await stagesIn(input.out), before);
  }));

Deno.test("a checkpoint that is damaged is not gone on from, which is said", () =>
  inFolder(async ({ input, notes }) => {
    const abort = new AbortController();
    const runs = input.runs.slice(0, 1);
    const stopped = ablate({
      ...input,
      runs,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await assert.rejects(stopped, { name: "AbortError" });
    const path = join(input.out, "checkpoints", `${runName(runs[0])}.safetensors`);
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 9] ^= 1;
    await Deno.writeFile(path, bytes);
    await ablate({ ...input, runs });
    assert.match(notes[0], /^plain: its checkpoint is damaged, so it begins anew: .*checksum/);
    assert.equal((await weightsIn(input.out)).plain, undisturbed.plain);
  }));

Deno.test("a round whose teacher failed is reported as failed too, and nothing waits for it", () =>
  inFolder(async ({ input, notes, waits }) => {
    const taught = { ...study, arms: [{ ...study.arms[2], rounds: { count: 1, xi: 0.5 } }] };
    const runs = expandGrid(taught);
    const onRun = (index: number, note: string) =>
      notes.push(`round ${runs[index].round}: ${note}`);
    assert.deepEqual(await ablate({ ...input, study: taught, runs, onRun }), { failed: 2 });
    assert.match(notes[0], /^round 0: Cannot go on training: the loss at step \d is no number$/);
    assert.deepEqual(notes.slice(1), ["round 1: there is no teacher: the round before failed"]);
    assert.deepEqual(waits, []);
  }));
