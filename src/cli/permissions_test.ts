/** What each command may touch, exactly; and that Deno holds it to that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { denoFlags } from "../data/deno_flags.ts";
import { inTempFolder } from "../testing/temp_folder.ts";
import { commandLine } from "./main.ts";
import { COMMANDS, permissionsOf, type Surroundings } from "./permissions.ts";

const FOLDERS = ["/home/me/clip", "/home/me/vit", "/home/me/vit/onnx", "/home/me/llama"];
const STUDIES: Record<string, unknown> = {
  "/project/ablations/quick.json": { name: "quick", encoder: { name: "embedded" } },
  "/home/me/mine.json": {
    name: "mine",
    encoder: { name: "owner/tower" },
    llm: { name: "owner/llama" },
  },
  "/home/me/odd.json": { name: "../../etc", encoder: 5, llm: null },
};
const where: Surroundings = {
  root: "/project",
  caller: "/home/me",
  cache: "/cache",
  deno: "/bin/deno",
  isFolder: (path) => FOLDERS.includes(path),
  readJson: (path) => STUDIES[path],
};
const HUB = ["huggingface.co", "*.huggingface.co", "*.hf.co"];
const CACHE = ["/cache/shaders", "/cache/kernels", "/cache/features", "/cache/models"];

interface Expected {
  read?: string[];
  write?: string[];
  net?: string[];
  run?: string[];
}
/** Beside the project's folder, and the cache where there is a GPU. */
const CASES: [line: string, expected: Expected][] = [
  ["", {}],
  ["--help", {}],
  ["frobnicate /etc", {}],
  ["power --effect 1 --sd 2", {}],
  [
    "embedding-stats --x a.st --projected=../b.st --json",
    { read: ["/home/me/a.st", "/home/b.st"] },
  ],
  [
    "vqa-accuracy --questions q --results r --annotations /a",
    { read: ["/home/me/q", "/a", "/home/me/r"] },
  ],
  ["report runs/x --csv", { read: ["/home/me/runs/x"], write: ["/home/me/runs/x"] }],
  ["report compare a b --force", { read: ["/home/me/a", "/home/me/b"] }],
];
const STUDY_CASES: [line: string, expected: Expected][] = [
  ["ablate", { read: ["/home/me/runs/quick"], write: ["/home/me/runs/quick"] }],
  [
    "ablate --seeds 3 --lambda -1 quick --out /o --dry-run",
    { read: ["/o"], write: ["/o"] },
  ],
  ["ablate --out=/o/p --fresh", { read: ["/o/p", "/o"], write: ["/o/p", "/o"] }],
  [
    "ablate --data slake --data-dir ../slake --out a --out b",
    { read: ["/home/slake", "/home/me/b"], write: ["/home/me/b"] },
  ],
  [
    "ablate --from old/runs/baseline.json",
    {
      read: ["/home/me/runs/quick-tested", "/home/me/old"],
      write: ["/home/me/runs/quick-tested"],
    },
  ],
  [
    "ablate --set name=other --set training.steps=3 --encoder features:x",
    { read: ["/home/me/x", "/home/me/runs/other"], write: ["/home/me/runs/other"] },
  ],
  [
    "ablate --encoder clip --llm llama --out /o",
    {
      read: ["/home/me/clip", "/project/clip", "/home/me/llama", "/project/llama", "/o"],
      write: ["/o"],
    },
  ],
  [
    "ablate --encoder vit --out /o",
    { read: ["/home/me/vit", "/project/vit", "/o"], write: ["/o"], run: ["/bin/deno"] },
  ],
  [
    "ablate mine.json",
    {
      read: [
        "/home/me/mine.json",
        ...["/home/me/owner/tower", "/project/owner/tower"],
        ...["/home/me/owner/llama", "/project/owner/llama"],
        "/home/me/runs/mine",
      ],
      write: ["/home/me/runs/mine"],
      net: HUB,
      run: ["/bin/deno"],
    },
  ],
  [
    "ablate mine.json --encoder hog --set llm.name=random --out /o",
    { read: ["/home/me/mine.json", "/o"], write: ["/o"] },
  ],
  [
    'ablate --set encoder={"name":"clip"} --set llm.name="llama" --out /o',
    {
      read: ["/home/me/clip", "/project/clip", "/home/me/llama", "/project/llama", "/o"],
      write: ["/o"],
    },
  ],
  [
    'ablate mine.json --set encoder.layer=-1 --set llm={"name":"random"} --encoder hog --out /o',
    { read: ["/home/me/mine.json", "/o"], write: ["/o"] },
  ],
  [
    "ablate odd.json",
    { read: ["/home/me/odd.json", "/home/me/runs/unnamed"], write: ["/home/me/runs/unnamed"] },
  ],
  ["tune --data-dir d", { read: ["/home/me/d"] }],
  ["generate --llm embedded --prompt /etc", {}],
  [
    "generate --llm owner/llama",
    { read: ["/home/me/owner/llama", "/project/owner/llama"], net: HUB },
  ],
  ["generate --llm llama", { read: ["/home/me/llama", "/project/llama"] }],
  ["embedding-stats --x a --projected b --fresh-p2", { read: ["/home/me/a", "/home/me/b"] }],
  [
    "pretrain language --out p",
    { read: ["/home/me/p"], write: ["/home/me/p"] },
  ],
];

for (const [cases, gpu] of [[CASES, false], [STUDY_CASES, true]] as const) {
  for (const [line, { read = [], write = [], net = [], run = [] }] of cases) {
    Deno.test(`what "plumbline ${line}" may touch`, () => {
      const found = permissionsOf(line.split(" "), where);
      assert.deepEqual({ ...found, env: undefined }, {
        read: ["/project", ...read, ...(gpu ? ["/cache"] : [])],
        write: [...write, ...(gpu ? CACHE : [])],
        net,
        run,
        env: undefined,
        sys: line.startsWith("ablate") ? ["hostname"] : [],
        gpu,
      });
      assert.ok(Array.isArray(found.env) && !found.env.includes("PATH"));
    });
  }
}

Deno.test("a study that is submitted to SLURM runs sbatch, and computes nothing here", () => {
  const { run, gpu, read } = permissionsOf("ablate --engine slurm --out /o".split(" "), where);
  assert.deepEqual({ run, gpu }, { run: ["sbatch"], gpu: false });
  assert.ok(read !== true && read.includes("/bin/deno"));
});

Deno.test("doctor, which looks for drivers all over the system, writes the cache only", () => {
  const { adapter, ...found } = permissionsOf(["doctor", "--adapter", "x"], where);
  assert.equal(adapter, "x");
  const all = { read: true, run: true, env: true, net: [], sys: [], gpu: false };
  assert.deepEqual(found, { ...all, write: ["/cache"] });
});

Deno.test("a model of the hub that the cache holds needs no network", () => {
  const cached = "/cache/models/decoders/owner/llama";
  const isFolder = (path: string) => path === cached;
  const { net } = permissionsOf(["generate", "--llm", "owner/llama"], { ...where, isFolder });
  assert.deepEqual(net, []);
});

Deno.test("the options are those of the commands, with and without a value", () => {
  for (const command of commandLine().commands) {
    const options = [command, ...command.commands].flatMap(({ options }) => options);
    const named = (withValue: boolean) =>
      options.filter(({ required, optional }) => (required || optional) === withValue)
        .map(({ long }) => long!.slice(2)).sort();
    const { values, flags } = COMMANDS[command.name()];
    assert.deepEqual(values.toSorted(), named(true), command.name());
    assert.deepEqual(flags.toSorted(), named(false), command.name());
  }
});

Deno.test("no driver is looked for where nothing will be computed", () => {
  const isComputed = (line: string) => permissionsOf(line.split(" "), where).gpu;
  assert.ok(isComputed("ablate --seeds 3 --dry-run"));
  for (
    const line of [
      ...["ablate --help", "tune -h", "ablate quik", "ablate none.json", "ablate --sed 3"],
      ...["ablate --out", "generate --llm embedded --dry-run", "report x"],
      ...["embedding-stats --x a --projected b --adapter c"],
    ]
  ) {
    assert.ok(!isComputed(line), line);
  }
});

// A reader that has forgotten every check.
const PROBE = `
import { join } from "node:path";
const [dir, outside] = Deno.args;
const attempt = async (act) => await Promise.resolve().then(act).then(() => "done", ({ name }) => name);
const names = ["../../outside.txt", "../" + "../".repeat(30) + outside, "own.txt"];
const said = [];
for (const name of names) said.push(await attempt(() => Deno.readFile(join(dir, "imgs", name))));
said.push(await attempt(() => Deno.readFile(outside)));
said.push(await attempt(() => Deno.writeFile(join(dir, "imgs", "own.txt"), new Uint8Array())));
said.push(await attempt(() => fetch("http://127.0.0.1:8099")));
said.push(await attempt(() => Deno.dlopen(outside, {})));
said.push(await attempt(() => new Deno.Command(Deno.execPath(), { args: ["--version"] }).output()));
said.push(await attempt(() => Deno.env.get("PATH")));
console.log(JSON.stringify(said));
`;

Deno.test("a reader without checks reads nothing outside the data, and reaches neither network, libraries nor programs", async () => {
  await inTempFolder(async (root) => {
    const dir = join(root, "data of mine");
    await Deno.mkdir(join(dir, "imgs"), { recursive: true });
    await Deno.mkdir(join(root, "project"));
    await Deno.writeTextFile(join(dir, "imgs", "own.txt"), "own");
    await Deno.writeTextFile(join(root, "outside.txt"), "outside");
    await Deno.writeTextFile(join(root, "probe.js"), PROBE);
    const { gpu: _, ...granted } = permissionsOf(
      ["ablate", "--data", "slake", "--data-dir", dir, "--out", join(root, "out")],
      { ...where, root: join(root, "project"), cache: join(root, "cache") },
    );
    const outside = join(root, "outside.txt");
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--no-config",
          "--no-lock",
          ...denoFlags({ ...granted, ffi: ["/no/library.so"] }),
        ],
        ...[join(root, "probe.js"), dir, outside],
      ],
    }).output();
    const denied = "NotCapable";
    assert.deepEqual(
      JSON.parse(new TextDecoder().decode(stdout) || "null"),
      [denied, denied, "done", denied, denied, denied, denied, denied, denied],
      new TextDecoder().decode(stderr),
    );
  });
});

Deno.test("every task may start its command, and may fetch a driver where the command computes", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));
  for (const [name, { gpu }] of Object.entries(COMMANDS)) {
    const writes = gpu !== undefined || name === "doctor";
    assert.equal(
      tasks[name].command,
      `deno run --allow-read ${
        writes ? "--allow-write " : ""
      }--allow-env --allow-run src/cli/start.ts ${name}`,
    );
  }
});
