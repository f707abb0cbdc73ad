/** Against a server of this machine in the hub's place. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../../testing/temp_folder.ts";
import { TINY_CONFIG, TINY_CONFIG_JSON, tinyTensors } from "../../testing/tiny_checkpoint.ts";
import { writeSafetensors } from "../safetensors.ts";
import { fetchModel, fetchText, hubFolder, isHubId } from "./hub.ts";
import { openWeights } from "./weights.ts";

const ID = "owner/tiny-1.0";
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const SMALL = { "config.json": json(TINY_CONFIG_JSON), "tokenizer.json": json({ model: {} }) };
const [half, other] = [0, 1].map((side) =>
  new Map([...tinyTensors()].filter((_, i) => i % 2 === side))
);

/** Serves these files as the hub would, runs the test, and tells what was asked for. */
async function withHub(
  files: Record<string, Uint8Array>,
  test: (hub: string, cacheDir: string) => Promise<void>,
): Promise<string[]> {
  const asked: string[] = [];
  const prefix = `/${ID}/resolve/main/`;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const file = pathname.slice(prefix.length);
    asked.push(file);
    if (!pathname.startsWith(prefix)) return new Response(null, { status: 401 });
    return Object.hasOwn(files, file)
      ? new Response(files[file] as Uint8Array<ArrayBuffer>)
      : new Response("not found", { status: 404 });
  });
  try {
    await inTempFolder((cacheDir) => test(`http://127.0.0.1:${server.addr.port}`, cacheDir));
  } finally {
    await server.shutdown();
  }
  return asked;
}

Deno.test("a model of the hub is fetched once and kept", async () => {
  const files = { ...SMALL, "model.safetensors": writeSafetensors(tinyTensors()) };
  const said: string[] = [];
  const asked = await withHub(files, async (hub, cacheDir) => {
    const options = { hub, cacheDir, say: (line: string) => said.push(line) };
    const folder = await fetchModel(ID, options);
    assert.equal(folder, hubFolder(ID, cacheDir));
    for (const [name, bytes] of Object.entries(files)) {
      assert.deepEqual(await Deno.readFile(join(folder, name)), bytes, name);
    }
    assert.equal(await fetchModel(ID, options), folder);
    assert.deepEqual(
      await Deno.readTextFile(join(folder, "config.json")),
      await fetchText(ID, "config.json", options),
    );
  });
  assert.deepEqual(asked, [
    "config.json",
    "tokenizer.json",
    "generation_config.json",
    "tokenizer_config.json",
    "model.safetensors",
    "config.json",
  ]);
  assert.match(said.at(-1)!, /^Fetching owner\/tiny-1.0\/model.safetensors/);
});

Deno.test("shards are fetched by their index", async () => {
  const map = [...half.keys()].map((name) => [name, "a.safetensors"])
    .concat([...other.keys()].map((name) => [name, "b.safetensors"]));
  const files = {
    ...SMALL,
    "model.safetensors.index.json": json({ weight_map: Object.fromEntries(map) }),
    "a.safetensors": writeSafetensors(half),
    "b.safetensors": writeSafetensors(other),
  };
  await withHub(files, async (hub, cacheDir) => {
    const { checkpoint } = await openWeights(await fetchModel(ID, { hub, cacheDir }), TINY_CONFIG);
    assert.ok(checkpoint.get("lm_head.weight"));
  });
});

Deno.test("a model that is not whole leaves nothing in the cache", async () => {
  const index = json({ weight_map: { x: "gone.safetensors" } });
  const cases: [Record<string, Uint8Array>, RegExp][] = [
    [{ "config.json": SMALL["config.json"] }, /the hub has no file "tokenizer.json" of it/],
    [SMALL, /the hub has no file "model.safetensors.index.json" of it/],
    [{ ...SMALL, "model.safetensors.index.json": index }, /no file "gone.safetensors"/],
  ];
  for (const [files, message] of cases) {
    await withHub(files, async (hub, cacheDir) => {
      await assert.rejects(fetchModel(ID, { hub, cacheDir }), message);
      const left = [...Deno.readDirSync(join(hubFolder(ID, cacheDir), ".."))];
      assert.deepEqual(left, []);
    });
  }
});

Deno.test("a hub that refuses or cannot be reached is said in one line", async () => {
  await withHub({}, async (hub, cacheDir) => {
    await assert.rejects(
      fetchModel("other/model", { hub, cacheDir }),
      /^Error: Cannot fetch model "other\/model": the hub answered 401 for "config.json"$/,
    );
    const nowhere = { hub: "http://127.0.0.1:1", cacheDir };
    await assert.rejects(
      fetchModel(ID, nowhere),
      /^Error: Cannot fetch model "owner\/tiny-1.0": 127.0.0.1:1 cannot be reached \([^\n]*\)$/,
    );
    await assert.rejects(fetchText(ID, "config.json", nowhere), /cannot be reached/);
  });
});

Deno.test("only owner/name is a model of the hub", () => {
  for (const id of ["HuggingFaceTB/SmolLM2-135M", "a/b_c.d-e"]) assert.ok(isHubId(id), id);
  for (const id of ["a", "a/b/c", "../b", "a/..", "/a", "./b", "a/b?x", "a b/c", ".a/b"]) {
    assert.ok(!isHubId(id), id);
  }
});
