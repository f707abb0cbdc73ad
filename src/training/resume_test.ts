/** A run that is stopped and goes on is the run that was not, bit for bit. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Engine } from "../gpu/engine.ts";
import { parseMatrices } from "../models/matrix_file.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import { loadProgress, saveProgress } from "./progress_file.ts";
import { run, type RunOutcome } from "./run.ts";
import type { RunSettings } from "./settings.ts";
import type { RunHooks } from "./train_stage.ts";

const STEPS = 4;
/** Losses are read at every validation, so that a run can be stopped at every step. */
const study = tinyStudy({
  lora: { rank: 2, alpha: 8, dropout: 0.3, targets: ["q_proj", "v_proj"] },
  stages: [
    { name: "one", train: ["P1", "lora"], draw: [], training: {} },
    { name: "two", train: ["P1", "P2", "lora"], draw: ["P2"], training: { schedule: "constant" } },
  ],
  training: { ...tinyStudy().training, steps: STEPS },
  evaluation: { validations: STEPS, validationImages: 2, embeddingImages: 4 },
});
const { data, runs } = await prepareTiny(study);
const settings: RunSettings = {
  ...runs.find(({ arm, lambda }) => arm === "self-distillation" && lambda === 1)!,
  stages: ["one", "two"].map((name) => {
    const stage = study.stages.find((stage) => stage.name === name)!;
    return { ...stage, training: { ...study.training, ...stage.training } };
  }),
};

/** A checkpoint in a folder of its own. */
async function withCheckpoint(
  test: (checkpoint: NonNullable<RunHooks["checkpoint"]>, path: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    const path = join(dir, "run.safetensors");
    const checkpoint = {
      load: () => loadProgress(path, "the run"),
      save: (progress: Parameters<typeof saveProgress>[1]) =>
        saveProgress(path, progress, "the run"),
      every: 1e9,
    };
    await test(checkpoint, path);
  });
}

const withoutTimes = (outcomes: RunOutcome[]) => outcomes.map(({ seconds: _, ...rest }) => rest);

/** Runs until a step of a stage is over; gives what was finished by then. */
async function stopAt(
  engine: Engine,
  stage: string,
  step: number,
  checkpoint: RunHooks["checkpoint"],
): Promise<RunOutcome[]> {
  const abort = new AbortController();
  const outcomes: RunOutcome[] = [];
  const hooks: RunHooks = {
    signal: abort.signal,
    checkpoint,
    onProgress: (at, done) => {
      if (at === stage && done === step) abort.abort();
    },
  };
  await assert.rejects(
    async () => {
      for await (const outcome of run(engine, settings, data, hooks)) outcomes.push(outcome);
    },
    { name: "AbortError" },
  );
  return outcomes;
}

/** Steps that a continued run did, as `stage step`. */
async function goOn(engine: Engine, checkpoint: RunHooks["checkpoint"]) {
  const steps: string[] = [];
  const hooks: RunHooks = {
    checkpoint,
    onProgress: (stage, step) => steps.push(`${stage} ${step}`),
  };
  return { outcomes: await Array.fromAsync(run(engine, settings, data, hooks)), steps };
}

const PLACES: [stage: string, step: number][] = [
  ["one", 1],
  ["one", 3],
  ["one", STEPS],
  ["two", 2],
  ["two", STEPS],
];

for (const engine of await testEngines()) {
  Deno.test(`a run that is stopped and goes on gives the same, bit for bit ${formOf(engine)}`, async (t) => {
    const whole = withoutTimes(await Array.fromAsync(run(engine, settings, data)));
    assert.equal(whole.length, 2);
    const memory = engine.memory.bytes;
    for (const [stage, step] of PLACES) {
      await t.step(`after step ${step} of stage ${stage}`, async () => {
        await withCheckpoint(async (checkpoint) => {
          const before = await stopAt(engine, stage, step, checkpoint);
          assert.equal(before.length, stage === "one" ? 0 : 1);
          const { outcomes, steps } = await goOn(engine, checkpoint);
          assert.deepEqual(withoutTimes([...before, ...outcomes]), whole);
          // No step is done twice.
          const all = ["one", "two"].flatMap((stage) =>
            Array.from({ length: STEPS }, (_, s) => `${stage} ${s + 1}`)
          );
          assert.deepEqual(steps, all.slice(all.indexOf(`${stage} ${step}`) + 1));
        });
      });
    }
    assert.equal(engine.memory.bytes, memory);
  });
}

const [engine] = await testEngines();

Deno.test("a run that is stopped twice gives the same", async () => {
  const whole = await Array.fromAsync(run(engine, settings, data));
  await withCheckpoint(async (checkpoint) => {
    const first = await stopAt(engine, "one", 2, checkpoint);
    const second = await stopAt(engine, "two", 2, checkpoint);
    const { outcomes } = await goOn(engine, checkpoint);
    assert.deepEqual(withoutTimes([...first, ...second, ...outcomes]), withoutTimes(whole));
  });
});

Deno.test("checkpoints are made now and then, and change nothing", async () => {
  const whole = await Array.fromAsync(run(engine, settings, data));
  const places: string[] = [];
  const checkpoint: RunHooks["checkpoint"] = {
    load: () => Promise.resolve(null),
    save: ({ stage, losses }) => {
      places.push(`${stage} ${losses.length}`);
      return Promise.resolve();
    },
    every: 0,
  };
  const watched = await Array.fromAsync(run(engine, settings, data, { checkpoint }));
  assert.deepEqual(withoutTimes(watched), withoutTimes(whole));
  // The last step of a stage is followed by its outcome.
  assert.deepEqual(
    places,
    [0, 1].flatMap((stage) => [1, 2, 3].map((step) => `${stage} ${step}`)),
  );
});

Deno.test("seconds of a stage are those before and after it was stopped", async () => {
  await withCheckpoint(async (checkpoint, path) => {
    await stopAt(engine, "one", 2, checkpoint);
    const progress = (await loadProgress(path, "the run"))!;
    await saveProgress(path, { ...progress, seconds: 1000 }, "the run");
    const { outcomes: [{ seconds }] } = await goOn(engine, checkpoint);
    assert.ok(seconds.train > 1000 && seconds.train < 1100, `${seconds.train}`);
  });
});

Deno.test("another run's checkpoint is left alone, and the run begins at its first step", async () => {
  await withCheckpoint(async (checkpoint, path) => {
    await stopAt(engine, "one", 2, checkpoint);
    assert.equal(await loadProgress(path, "another run"), null);
    const { steps } = await goOn(engine, {
      ...checkpoint,
      load: () => loadProgress(path, "another run"),
    });
    assert.equal(steps[0], "one 1");
    assert.equal(steps.length, 2 * STEPS);
  });
});

Deno.test("a progress comes back from its file as it was", async () => {
  await withCheckpoint(async (checkpoint, path) => {
    assert.equal(await checkpoint.load(), null);
    await stopAt(engine, "two", 3, checkpoint);
    const progress = (await loadProgress(path, "the run"))!;
    assert.deepEqual([progress.stage, progress.losses.length, progress.validation.length], [
      1,
      3,
      3,
    ]);
    const { values, state } = progress;
    assert.equal(values.decoder, undefined);
    assert.deepEqual([values.connector.size, values.objective.size, values.lora!.size], [4, 4, 4]);
    // P1, P2, and A and B of one kernel matrix, each with its two moments.
    assert.equal(state.size, 3 * (4 + 4 + 2));
    await saveProgress(`${path}.copy`, progress, "the run");
    assert.deepEqual(await loadProgress(`${path}.copy`, "the run"), progress);
    assert.deepEqual(await Deno.readFile(`${path}.copy`), await Deno.readFile(path));
  });
});

Deno.test("a damaged checkpoint is refused by its file's name, and the run does not begin", async () => {
  await withCheckpoint(async (checkpoint, path) => {
    await stopAt(engine, "one", 2, checkpoint);
    const bytes = await Deno.readFile(path);
    // With a checksum that is right.
    const retold = async (done: string | undefined) => {
      const other = `${path}.retold`;
      await saveCheckpoint(other, parseMatrices(bytes), {
        identity: "the run",
        ...(done && { done }),
      });
      return await Deno.readFile(other);
    };
    const damages: [string, Uint8Array, RegExp][] = [
      ["empty", new Uint8Array(), /the file has 0 bytes/],
      ["cut short", bytes.subarray(0, bytes.length - 7), /Cannot read tensor "/],
      ["no safetensors", new TextEncoder().encode("mine, not a checkpoint"), /the header says/],
      ["without its losses", await retold(undefined), /JSON/],
      ["with half of its losses", await retold('{"stage":0,"losses":['), /JSON/],
      [
        "with a stage that is none",
        await retold('{"stage":"one"}'),
        /^Cannot read progress: "stage": expected number, received string, in /,
      ],
    ];
    for (const [what, damaged, message] of damages) {
      await Deno.writeFile(path, damaged);
      await assert.rejects(() => goOn(engine, checkpoint), (error: Error) => {
        assert.match(error.message, message, what);
        assert.ok(error.message.endsWith(`, in "${path}"`), `${what}: ${error.message}`);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
      assert.deepEqual(await Deno.readFile(path), damaged);
    }
  });
});

Deno.test("a checkpoint that fits another model is refused before anything is trained", async () => {
  await withCheckpoint(async (checkpoint, path) => {
    const memory = engine.memory.bytes;
    await stopAt(engine, "one", 2, checkpoint);
    const progress = (await loadProgress(path, "the run"))!;
    progress.state.delete("m/P1.0.weight");
    await saveProgress(path, progress, "the run");
    await assert.rejects(
      () => goOn(engine, checkpoint),
      /^TypeError: Cannot restore training state: it has no "m\/P1.0.weight"$/,
    );
    assert.equal(engine.memory.bytes, memory);
  });
});
