import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as packages from "./packages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(join(root, path)));

/** Modules that ours reach by relative imports, tests left out, and the packages that they import. */
async function reach(start: string[]): Promise<{ modules: Set<string>; bare: Set<string> }> {
  const modules = new Set<string>(), bare = new Set<string>();
  const open = [...start];
  while (open.length > 0) {
    const module = open.pop()!;
    if (modules.has(module) || !module.endsWith(".ts")) continue;
    modules.add(module);
    const text = await Deno.readTextFile(join(root, module));
    for (const [, specifier] of text.matchAll(/^(?:import|export|\})[^"=;]*\bfrom "([^"]+)";$/gm)) {
      if (specifier.startsWith(".")) {
        open.push(relative(root, join(root, dirname(module), specifier)));
      } else if (!specifier.startsWith("node:")) bare.add(specifier);
    }
  }
  return { modules, bare };
}

Deno.test("the comparison finds every package of the modules it uses, as the project pins it", async () => {
  const files = await Array.fromAsync(Deno.readDir(join(root, "bench/peers")));
  const start = files.map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"))
    .map((name) => join("bench/peers", name));
  const { modules, bare } = await reach(start);
  assert.ok(modules.has(join("src", "models", "llama.ts")), "imports are followed");
  assert.ok(bare.has("simple-statistics"), "packages are seen");
  const project = (await readJson("deno.json")).imports;
  const peers = (await readJson("bench/peers/peers.json")).imports;
  for (const specifier of bare) {
    const name = Object.keys(project).find((name) =>
      specifier === name || specifier.startsWith(`${name}/`)
    );
    assert.ok(name, `${specifier} is no import of the project`);
    assert.equal(peers[name], project[name], name);
  }
});

Deno.test("every package of the comparison is locked by a hash, in a lock file of its own", async () => {
  const { npm, specifiers } = await readJson("bench/peers/peers.lock");
  const { imports } = await readJson("bench/peers/peers.json");
  assert.deepEqual(Object.keys(specifiers).toSorted(), Object.values(imports).toSorted());
  for (const [name, { integrity }] of Object.entries<{ integrity?: string }>(npm)) {
    assert.match(integrity ?? "", /^sha512-/, name);
  }
});

Deno.test("the project itself names no peer, or every start would fetch them", async () => {
  const names = Object.keys((await readJson("deno.lock")).npm);
  for (const { specifier, version } of Object.values(packages)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, specifier);
    assert.deepEqual(names.filter((name) => name.startsWith(`${specifier}@`)), []);
  }
});
