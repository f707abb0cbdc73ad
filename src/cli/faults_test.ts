/** A study whose process is killed again and again, and one whose disk is full. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { prepareDriver } from "../gpu/driver.ts";
import { readRecords } from "../records/read_records.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { withoutTimes } from "../testing/without_times.ts";

await prepareDriver({ quiet: true });

/** How often a process is killed; more of them by `PLUMBLINE_KILLS=50`. */
const KILLS = Number(Deno.env.get("PLUMBLINE_KILLS") ?? 3);

const [RUNS, STEPS] = [2, 6];

const dir = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const study = join(dir, "tiny.json");
const whole = join(dir, "whole");
const { training, evaluation, arms: [baseline, cosine] } = tinyStudy();
await Deno.writeTextFile(
  study,
  JSON.stringify(tinyStudy({
    arms: [baseline, { ...cosine, lambda: [1] }],
    seeds: 1,
    controls: ["majority"],
    // Losses are read, and so checkpoints are left, where there is a validation: at every step.
    training: { ...training, steps: STEPS },
    evaluation: { ...evaluation, validations: STEPS },
  })),
);

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const env = { PLUMBLINE_CACHE: join(dir, "cache"), NO_COLOR: "1" };
const ablate = (out: string) => [
  ...["run", "--no-lock", "-A", MAIN, "ablate", study, "--out", out, "--log", "jsonl"],
];
const OFTEN = ["--checkpoint-every", "0"];

interface Line {
  /** When it came, milliseconds. */
  at: number;
  event: string;
}

/**
 * Runs the study, and calls back with the number of lines of progress whenever one comes.
 *
 * @returns The lines, and when the process ended; `code` is null where it was killed.
 */
async function run(out: string, onLine: (count: number, child: Deno.ChildProcess) => void) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ablate(out), ...OFTEN],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: Line[] = [];
  let rest = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const part of parts) {
      lines.push({ at: performance.now(), event: JSON.parse(part).event });
      onLine(lines.length, child);
    }
  }
  const { code, signal } = await child.status;
  return { lines, code: signal ? null : code, ended: performance.now() };
}

async function prepared(name: string): Promise<string> {
  const out = join(dir, name);
  await Deno.mkdir(out);
  // The plan comes from timings, which differ.
  await Deno.copyFile(join(whole, "plan.json"), join(out, "plan.json"));
  return out;
}

const hashesOf = async (out: string) =>
  (await readRecords(out)).runs.map(({ weightsSha256 }) => weightsSha256);

async function assertAsUndisturbed(out: string): Promise<void> {
  assert.deepEqual(await withoutTimes(out), await withoutTimes(whole));
  assert.deepEqual(await hashesOf(out), await hashesOf(whole));
}

let undisturbed: Awaited<ReturnType<typeof run>>;

Deno.test("an undisturbed study says in JSON lines what it does", async () => {
  // Once to choose the plan, and again to see what a process says that finds one.
  const first = await run(whole, () => {});
  assert.equal(first.code, 0);
  undisturbed = await run(await prepared("again"), () => {});
  assert.equal(undisturbed.code, 0);
  const events = undisturbed.lines.map(({ event }) => event);
  const count = (name: string) => events.filter((event) => event === name).length;
  assert.deepEqual([count("step"), count("end")], [RUNS * STEPS, RUNS]);
  await assertAsUndisturbed(join(dir, "again"));
});

Deno.test(`a study that is killed ${KILLS} times ends as if nothing had been`, async () => {
  const { lines, ended } = undisturbed;
  let kills = 0;
  let goneOn = 0;
  for (let folder = 0; kills < KILLS; folder++) {
    const out = await prepared(`killed-${folder}`);
    for (;;) {
      // After a line drawn at random, so training, checkpoints, records and the report all have
      // their share, and at a moment drawn at random before the next one.
      const place = Math.floor(Math.random() * lines.length);
      const gap = (lines[place + 1]?.at ?? ended) - lines[place].at;
      const { code, lines: seen } = await run(out, async (count, child) => {
        if (kills >= KILLS || count !== place + 1) return;
        await setTimeout(Math.random() * gap);
        try {
          child.kill("SIGKILL");
        } catch {
          // It has ended.
        }
      });
      if (seen.filter(({ event }) => event === "step").length < RUNS * STEPS) goneOn++;
      if (code === null) {
        kills++;
        continue;
      }
      assert.equal(code, 0);
      break;
    }
    await assertAsUndisturbed(out);
  }
  assert.ok(goneOn > 0, "none of them did a part of the study only");
});

Deno.test({
  name: "a full disk ends a study with a message, and with room again it goes on",
  // A file system of a given size needs namespaces.
  ignore: Deno.build.os !== "linux" ||
    !(await new Deno.Command("unshare", { args: ["-rm", "true"] }).output()).success,
  async fn() {
    // Some of the runs fit. Checkpoints, which would take room, are left after a minute only.
    let bytes = 0;
    for (const name of ["runs", "weights", "questions"]) {
      bytes += await diskUsage(join(whole, name));
    }
    const small = await prepared("small");
    const out = await prepared("disk");
    const script = `set -u
mount -t tmpfs -o size=${Math.round(bytes * 0.6)} tmpfs "$1"
cp "$2/plan.json" "$1"
shift 2
"$@" >/dev/null 2>"$KEEP/first"; echo $? >"$KEEP/code"
ls "$OUT/runs" >"$KEEP/runs"
mount -o remount,size=64m "$OUT"
"$@" >/dev/null 2>"$KEEP/second" || exit 3
cp -r "$OUT" "$KEEP/result"`;
    const { code, stderr } = await new Deno.Command("unshare", {
      args: ["-rm", "sh", "-c", script, "sh", out, small, Deno.execPath(), ...ablate(out)],
      env: { ...env, OUT: out, KEEP: small },
      stdin: "null",
    }).output();
    const read = (name: string) => Deno.readTextFile(join(small, name));
    assert.equal(code, 0, new TextDecoder().decode(stderr) + await read("first"));
    assert.equal(await read("code"), "1\n");
    const last = (await read("first")).trimEnd().split("\n").at(-1)!;
    assert.match(last, /^error: .*No space left on device/);
    const kept = (await read("runs")).split("\n").filter((name) => name.endsWith(".json")).length;
    assert.ok(kept >= 1 && kept < RUNS, `${kept} runs had their record`);
    const again = (await read("second")).split("\n").filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
    assert.ok(again.some(({ text }) => text === `${kept} of ${RUNS} runs are there already`));
    await assertAsUndisturbed(join(small, "result"));
  },
});

/** Bytes that a folder takes in blocks of 4096. */
async function diskUsage(folder: string): Promise<number> {
  let bytes = 4096;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    bytes += isDirectory
      ? await diskUsage(path)
      : Math.ceil((await Deno.stat(path)).size / 4096) * 4096;
  }
  return bytes;
}
