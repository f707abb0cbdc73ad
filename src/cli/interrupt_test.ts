import assert from "node:assert/strict";

/** A program that says "ready", works until it is stopped, and says "left" when it ends by itself. */
const PROGRAM = `
  const { withInterrupt } = await import(${
  JSON.stringify(new URL("./interrupt.ts", import.meta.url).href)
});
  const progress = { say: console.log, task() {}, stop() {} };
  await withInterrupt(progress, { stopping: "stopping", stopped: "stopped" }, async (signal) => {
    console.log("ready");
    while (Deno.args[0] === "deaf" || !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    signal.throwIfAborted();
  });
  console.log("left");
`;

/** Signals that come closer together count as one, milliseconds. */
const APART = 1100;

/** Sends a signal whenever the program prints a word, and gives its exit code and what it printed. */
async function signalled(
  signal: Deno.Signal,
  words: string[],
  ...args: string[]
): Promise<{ code: number; lines: string[] }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--ext=ts", PROGRAM, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    for (const _ of text.split("\n").filter((line) => words.includes(line))) {
      if (said !== "") await new Promise((resolve) => setTimeout(resolve, APART));
      child.kill(signal);
    }
    said += text;
  }
  return { code: (await child.status).code, lines: said.trimEnd().split("\n") };
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} stops the work in good order, with exit code ${code}`, async () => {
    assert.deepEqual(await signalled(signal, ["ready"]), {
      code,
      lines: ["ready", "stopping", "stopped", "left"],
    });
  });
}

Deno.test("a second signal stops at once", async () => {
  assert.deepEqual(await signalled("SIGTERM", ["ready", "stopping"], "deaf"), {
    code: 143,
    lines: ["ready", "stopping"],
  });
});
