import assert from "node:assert/strict";
import { startChild } from "./line_child.ts";
import type { Task } from "./subject.ts";

/** A child that runs a program of Deno. */
const start = (program: string, name = "the child") =>
  startChild({
    name,
    command: Deno.execPath(),
    args: ["eval", "--no-config", "--no-lock", program],
    env: {},
  });

/** Multiplies by two, and answers like the real ones. */
const DOUBLE = `
  import { lines } from "${import.meta.resolve("./lines.ts")}";
  const answer = (value) => console.log(JSON.stringify(value));
  answer({ version: "1.2", core: "Haswell" });
  let prepared;
  for await (const line of lines(Deno.stdin.readable)) {
    const request = JSON.parse(line);
    if (request.do === "prepare") {
      if (request.rows > 1) { answer({ error: "one row at most" }); continue; }
      prepared = request;
      answer({});
    } else if (request.do === "result") {
      const { buffer } = Deno.readFileSync(request.folder + "/a.f32");
      const doubled = Float64Array.from(new Float32Array(buffer), (value) => 2 * value);
      Deno.writeFileSync(request.folder + "/c.f64", new Uint8Array(doubled.buffer));
      answer({ names: ["c"] });
    } else {
      answer({ milliseconds: 10 * request.times + prepared.inner });
    }
  }
`;

const task = (rows: number): Task => ({
  kernel: "matmul",
  rows,
  inner: 3,
  columns: 1,
  a: Float32Array.of(1, 0.5, -2),
  b: new Float32Array(3),
});

Deno.test("a child gets inputs as files, gives results as files and times itself", async () => {
  const child = await start(DOUBLE);
  assert.deepEqual([child.version, child.greeting.core], ["1.2", "Haswell"]);
  const subject = await child.prepare(task(1));
  const { c } = await subject.result();
  assert.deepEqual([...c as Float64Array], [2, 1, -4]);
  assert.equal(await subject.time(4), 43);
  await subject.dispose();
  await child.close();
});

Deno.test("what a child cannot do is an error in its words, and it goes on", async () => {
  const child = await start(DOUBLE);
  await assert.rejects(child.prepare(task(2)), new Error("one row at most"));
  const subject = await child.prepare(task(1));
  assert.equal(await subject.time(1), 13);
  await subject.dispose();
  await child.close();
});

Deno.test("a child that ends before it greets gives the last line it wrote", async () => {
  await assert.rejects(
    start('console.error("Traceback"); console.error("No module named torch"); Deno.exit(3)'),
    new Error("the child ended with code 3: No module named torch"),
  );
});

Deno.test("a program that is not there is named", async () => {
  const absent = startChild({ name: "PyTorch", command: "no-such-python", args: [], env: {} });
  await assert.rejects(
    absent,
    new Error('PyTorch cannot be started: there is no "no-such-python" on this machine'),
  );
});
