/** The process between the shell and the command: exit codes, output and signals as if it were not there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";

const RUN_LIMITED = new URL("./limited_process.ts", import.meta.url).href;
const START = new URL("./start.ts", import.meta.url);

/** Starts a program through another one, as the tasks do. */
async function withProgram(
  program: string,
  use: (child: Deno.ChildProcess) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (dir) => {
    const [front, module] = [join(dir, "front.ts"), join(dir, "program.ts")];
    await Deno.writeTextFile(module, program);
    await Deno.writeTextFile(
      front,
      `import { runLimited } from ${JSON.stringify(RUN_LIMITED)};
      Deno.exit(await runLimited({
        flags: ["--no-config", "--no-lock", "--no-prompt", "--no-check", "--allow-env=ANSWER"],
        module: ${JSON.stringify(module)},
        args: Deno.args,
        env: { ANSWER: "42" },
      }));`,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-config", "--no-lock", front, "two words", "--x"],
      stdout: "piped",
    }).spawn();
    await use(child);
  });
}

Deno.test("arguments, variables, output and exit code pass through", async () => {
  const program = `console.log(JSON.stringify([Deno.args, Deno.env.get("ANSWER")])); Deno.exit(7)`;
  await withProgram(program, async (child) => {
    const { code, stdout } = await child.output();
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), [["two words", "--x"], "42"]);
    assert.equal(code, 7);
  });
});

// Untested elsewhere: Windows has no such signals.
const options = { ignore: Deno.build.os === "windows" };

for (
  const [what, program, signal, expected] of [
    [
      "the program ends by itself at SIGINT, and its code is the exit code",
      `Deno.addSignalListener("SIGINT", () => { console.log("stopping"); Deno.exit(130); });
      console.log("ready"); setInterval(() => {}, 1000);`,
      "SIGINT",
      { code: 130, said: "ready\nstopping\n" },
    ],
    [
      "a program that heeds no signal is ended by SIGTERM",
      `console.log("ready"); setInterval(() => {}, 1000);`,
      "SIGTERM",
      { code: 143, said: "ready\n" },
    ],
  ] as const
) {
  Deno.test(what, options, async () => {
    await withProgram(program, async (child) => {
      let said = "";
      for await (const bytes of child.stdout) {
        said += new TextDecoder().decode(bytes);
        if (said === "ready\n") child.kill(signal);
      }
      assert.deepEqual({ code: (await child.status).code, said }, expected);
    });
  });
}

Deno.test("a command line goes through to its command, and its exit code back", async () => {
  for (
    const [line, code, message] of [
      ["power --effect 1 --sd 1", 0, /^Paired t test/],
      ["power --effect 1", 2, /^error: required option '--sd <points>' not specified\n$/],
      [
        "vqa-accuracy --questions none.json --annotations a --results r",
        1,
        /^error: Cannot score answers: there is no file ".*none.json"\n$/,
      ],
    ] as const
  ) {
    const flags = ["run", "--allow-read", "--allow-env", "--allow-run", "--no-check"];
    const output = await new Deno.Command(Deno.execPath(), {
      args: [...flags, START.pathname, ...line.split(" ")],
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(output.stdout) +
      new TextDecoder().decode(output.stderr);
    assert.match(text, message);
    assert.equal(output.code, code);
  }
});
