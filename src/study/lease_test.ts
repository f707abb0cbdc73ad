import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { heldLeases, takeLease } from "./lease.ts";

async function inFolder(work: (path: string, folder: string) => Promise<void>): Promise<void> {
  await inTempFolder((folder) => work(join(folder, "run.lease"), folder));
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("a lease is held by one and can be taken when it is given back", () =>
  inFolder(async (path, folder) => {
    const lease = await takeLease(path);
    assert.ok(lease);
    assert.equal(await takeLease(path), null);
    await lease.release();
    assert.deepEqual(namesIn(folder), []);
    const next = await takeLease(path);
    assert.ok(next);
    await next.release();
  }));

Deno.test("of many that ask at once one gets it", () =>
  inFolder(async (path) => {
    const asked = await Promise.all(Array.from({ length: 20 }, () => takeLease(path)));
    const held = asked.filter((lease) => lease !== null);
    assert.equal(held.length, 1);
    await held[0].release();
  }));

/** The lease of a process that has taken it and was killed. */
async function killedHolder(path: string): Promise<void> {
  const code = `
    const { takeLease } = await import(${JSON.stringify(import.meta.resolve("./lease.ts"))});
    await takeLease(${JSON.stringify(path)});
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    cwd: new URL(".", import.meta.url),
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value).trim(), "held");
  assert.equal(await takeLease(path), null, "its process is at work");
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
}

Deno.test("the lease of a process that was killed is void at once, and one of many takes it over", () =>
  inFolder(async (path, folder) => {
    await killedHolder(path);
    const asked = await Promise.all(Array.from({ length: 10 }, () => takeLease(path)));
    const held = asked.filter((lease) => lease !== null);
    assert.equal(held.length, 1);
    await held[0].release();
    assert.deepEqual(namesIn(folder), []);
  }));

const ELSEWHERE = { host: "elsewhere.example", token: "t" };

Deno.test("those leases of a folder are held whose processes live", () =>
  inFolder(async (_, folder) => {
    assert.deepEqual(await heldLeases(join(folder, "none")), []);
    const lease = await takeLease(join(folder, "mine.json"));
    await killedHolder(join(folder, "killed.json"));
    await Deno.writeTextFile(join(folder, "elsewhere.json"), JSON.stringify(ELSEWHERE));
    assert.deepEqual((await heldLeases(folder)).sort(), ["elsewhere.json", "mine.json"]);
    await lease!.release();
    const past = new Date(Date.now() - 3_600_000);
    await Deno.utime(join(folder, "elsewhere.json"), past, past);
    assert.deepEqual(await heldLeases(folder), []);
    assert.deepEqual(namesIn(folder).sort(), ["elsewhere.json", "killed.json"], "none is taken");
  }));

Deno.test("the lease of another machine is void when it is not touched for long", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, JSON.stringify(ELSEWHERE));
    const times = { heartbeat: 1000, patience: 60_000 };
    assert.equal(await takeLease(path, times), null);
    const past = new Date(Date.now() - 61_000);
    await Deno.utime(path, past, past);
    const lease = await takeLease(path, times);
    assert.ok(lease);
    await lease.release();
  }));

Deno.test("a lease that is held is touched", () =>
  inFolder(async (path) => {
    const lease = await takeLease(path, { heartbeat: 5, patience: 1000 });
    const past = new Date(Date.now() - 60_000);
    await Deno.utime(path, past, past);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { mtime } = await Deno.stat(path);
    assert.ok(Date.now() - mtime!.getTime() < 30_000);
    await lease!.release();
  }));

Deno.test("a damaged lease is nobody's, and a lease that another took is not removed", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "{");
    const lease = await takeLease(path);
    assert.ok(lease);
    await Deno.writeTextFile(path, JSON.stringify(ELSEWHERE));
    await lease.release();
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)), ELSEWHERE);
  }));

Deno.test("how old another machine's lease is says the clock of the folder, not this machine's", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, JSON.stringify(ELSEWHERE));
    const now = Date.now;
    try {
      // A machine whose clock is an hour ahead.
      Date.now = () => now() + 3_600_000;
      assert.equal(await takeLease(path, { heartbeat: 1000, patience: 60_000 }), null);
    } finally {
      Date.now = now;
    }
  }));
