import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { inTempFolder } from "../../src/testing/temp_folder.ts";
import { parseOptions } from "./command.ts";
import { defaultPeers } from "./peers.ts";

Deno.test("options select kernels, peers and alternations", () => {
  const words = ["--json", "--kernels", "matmul,cosine-loss", "--peers", "openblas, tfjs-wasm"];
  assert.deepEqual(parseOptions([...words, "--alternations", "9", "--out", "a.json"]), {
    json: true,
    kernels: ["matmul", "cosine-loss"],
    peers: ["openblas", "tfjs-wasm"],
    alternations: 9,
    out: "a.json",
  });
  assert.deepEqual(parseOptions([]), { alternations: 7 });
});

Deno.test("the peers on a better core are compared only where OpenBLAS fell back", () => {
  const best = (better: string | null) =>
    defaultPeers({ detected: "Haswell", better }).filter((peer) => peer.endsWith("-best"));
  assert.deepEqual(best(null), []);
  assert.deepEqual(best("Haswell"), ["openblas-best", "pytorch-cpu-best"]);
});

/** Runs the entry as the task does, without the peers' packages: a usage error comes before them. */
async function entry(...words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", fileURLToPath(new URL("./main.ts", import.meta.url)), ...words],
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("a wrong option is one line on standard error and exit code 2", async () => {
  const cases: [string[], RegExp][] = [
    [["--kernels", "matmull"], /There is no kernel "matmull"; did you mean "matmul"\?/],
    [["--peers", "numpy"], /There is no peer "numpy"\. There are tfjs-webgpu, /],
    [["--alternations", "2"], /It is a whole number from 3 up/],
    [["--fast"], /unknown option '--fast'/],
    [["extra"], /too many arguments/],
  ];
  for (const [words, message] of cases) {
    const { code, stdout, stderr } = await entry(...words);
    assert.deepEqual([code, stdout], [2, ""], words.join(" "));
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  }
});

Deno.test("packages that cannot be fetched are said in one line, and exit code 1", async () => {
  await inTempFolder(async (cache) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "-A",
        "--cached-only",
        `--config=${fileURLToPath(new URL("./peers.json", import.meta.url))}`,
        "--frozen",
        fileURLToPath(new URL("./main.ts", import.meta.url)),
      ],
      env: { DENO_DIR: cache },
    }).output();
    const text = new TextDecoder().decode(stderr);
    assert.deepEqual([code, stdout.length], [1, 0], text);
    assert.match(
      text,
      /^error: Cannot load the packages of the comparison, which come from npm: .*\n$/,
    );
  });
});
