/**
 * The floors of the project: what stands low never imports what stands above it.
 *
 * Types count like values. A room may import itself and every lower floor; two rooms of one floor
 * do not know each other.
 */
import assert from "node:assert/strict";
import { posix } from "node:path";

/** Rooms by floor, lowest first. A room is what a path begins with. */
const FLOORS = [
  // Plain loops: the float64 reference of the kernels.
  ["kernels/", "src/reference/"],
  ["src/gpu/"],
  ["src/tensor/"],
  ["src/data/"],
  ["src/nn/", "src/records/"],
  ["src/connectors/", "src/objectives/"],
  // The self-test traces the operations, so it stands above them.
  ["src/models/", "src/evaluation/", "src/self_test/"],
  // A tower is a model.
  ["src/encoders/"],
  ["src/training/"],
  ["src/report/"],
  ["src/study/", "src/tuning/", "src/pretraining/"],
  ["src/cli/"],
  ["src/mod.ts", "src/testing/"],
];

const ROOMS = FLOORS.flatMap((rooms, floor) => rooms.map((path) => ({ path, floor })));

/** Statements that name a module, calls that load one, and addresses of workers and children. */
const IMPORTS = [
  /^(?:import|export)\b[^"';]*\bfrom\s*"(\.[^"]+)"/gm,
  /^import\s*"(\.[^"]+)"/gm,
  /\bimport(?:\.meta\.resolve)?\(\s*"(\.[^"]+)"/g,
  /\bnew URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url/g,
];

/** Files that a module imports, as paths from the project's root. */
function importsOf(file: string, text: string): string[] {
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)])
    .map(([, specifier]) => posix.join(posix.dirname(file), specifier));
}

function roomOf(file: string) {
  return ROOMS.find(({ path }) => file.startsWith(path));
}

/** Says in one line each which imports of a module its floor forbids. */
function climbingImports(file: string, text: string): string[] {
  const room = roomOf(file);
  if (!room) return [`${file} stands in no room: give its folder a floor`];
  return importsOf(file, text).flatMap((target) => {
    const other = roomOf(target);
    if (!other) {
      return target.startsWith("src/") ? [`${file} imports ${target}, which has no floor`] : [];
    }
    return other === room || other.floor < room.floor ? [] : [`${file} imports ${target}`];
  });
}

/** Modules below a folder, tests left out: a test may use what it likes. */
async function modulesBelow(root: URL, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await modulesBelow(root, path));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) found.push(path);
  }
  return found.sort();
}

Deno.test("imports only go down", async () => {
  const root = new URL("../../", import.meta.url);
  const modules = await modulesBelow(root, "src");
  const texts = await Promise.all(modules.map((file) => Deno.readTextFile(new URL(file, root))));
  assert.deepEqual(modules.flatMap((file, i) => climbingImports(file, texts[i])), []);
  // The patterns read the code as it is written: the model is built from all floors below it.
  const rooms = new Set(
    modules.flatMap((file, i) =>
      file.startsWith("src/models/")
        ? importsOf(file, texts[i]).map((target) => roomOf(target)?.path)
        : []
    ),
  );
  for (const room of ["src/gpu/", "src/tensor/", "src/nn/", "src/connectors/"]) {
    assert.ok(rooms.has(room), `no import of ${room} was seen in src/models`);
  }
});

Deno.test("an import that climbs is found, however it is written", () => {
  const climbs = (file: string, text: string) => climbingImports(file, text).length > 0;
  const written = [
    'import { run } from "../training/run.ts";',
    'import type { RunSettings } from "../training/settings.ts";',
    'import {\n  run,\n  type RunHooks,\n} from "../training/run.ts";',
    'import "../training/run.ts";',
    'export * from "../training/run.ts";',
    'const { run } = await import("../training/run.ts");',
    'new Worker(new URL("../training/worker.ts", import.meta.url), { type: "module" });',
    'const child = import.meta.resolve("../training/child.ts");',
  ];
  for (const text of written) {
    assert.ok(climbs("src/gpu/program.ts", text), text);
    assert.ok(!climbs("src/cli/ablate.ts", text), text);
  }
});

Deno.test("rooms of one floor do not import each other", () => {
  const text = 'import { mlpConnector } from "../connectors/mlp.ts";';
  assert.deepEqual(climbingImports("src/objectives/none.ts", text), [
    "src/objectives/none.ts imports src/connectors/mlp.ts",
  ]);
  assert.deepEqual(climbingImports("src/connectors/linear.ts", text), []);
});

Deno.test("a folder without a floor is refused", () => {
  assert.deepEqual(climbingImports("src/cluster/slurm.ts", ""), [
    "src/cluster/slurm.ts stands in no room: give its folder a floor",
  ]);
  assert.deepEqual(climbingImports("src/cli/main.ts", 'import { x } from "../cluster/slurm.ts";'), [
    "src/cli/main.ts imports src/cluster/slurm.ts, which has no floor",
  ]);
});
