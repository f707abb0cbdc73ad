import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { type DriverChoice, lavapipeThreads, prepareDriver } from "./driver.ts";

const linux = Deno.build.os === "linux";
const choice = await prepareDriver({ quiet: true });

/** Prepares a driver in a new process and returns the choice, or what it threw. */
async function prepareElsewhere(
  adapter: string | undefined,
  env: Record<string, string>,
): Promise<{ choice?: DriverChoice; error?: string; said: string }> {
  const driver = new URL("./driver.ts", import.meta.url).href;
  const program = `
    import { prepareDriver } from ${JSON.stringify(driver)};
    const outcome = await prepareDriver(${JSON.stringify({ adapter })})
      .then((choice) => ({ choice }), (error) => ({ error: error.name + ": " + error.message }));
    console.log(JSON.stringify(outcome));
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", program],
    env,
  }).output();
  const said = new TextDecoder().decode(stderr);
  return { ...JSON.parse(new TextDecoder().decode(stdout)), said };
}

Deno.test("the choice says where the driver comes from and gives an adapter", async () => {
  assert.match(choice.description, /of the system|in the cache/);
  assert.notEqual(await navigator.gpu.requestAdapter(), null);
});

Deno.test("asking twice gives the same choice, asking for another adapter an error", async () => {
  assert.equal(await prepareDriver(), await prepareDriver());
  await assert.rejects(prepareDriver({ adapter: "another" }), /Cannot change to adapter "another"/);
});

Deno.test("a child process takes over its parent's choice without choosing again", async () => {
  const child = await prepareElsewhere(undefined, { PATH: "" });
  assert.deepEqual(child.choice, choice);
  assert.equal(child.said, "");
});

Deno.test(
  "an adapter that is not there is an error that lists those that are",
  { ignore: !linux },
  async () => {
    const { error } = await prepareElsewhere("voodoo", {});
    assert.match(
      error!,
      /^RangeError: Cannot find adapter "voodoo": there are .*lavapipe, swiftshader$/,
    );
  },
);

Deno.test("a machine with no driver and no way to fetch one is told what to install", {
  ignore: !linux,
}, async () => {
  await inTempFolder(async (dir) => {
    const { error } = await prepareElsewhere(undefined, {
      // Nothing to run, nowhere to connect to, nothing installed, nothing cached.
      PATH: dir,
      HTTPS_PROXY: "http://127.0.0.1:9",
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
      PLUMBLINE_CACHE: dir,
      PLUMBLINE_DRIVER: "null",
      VK_DRIVER_FILES: join(dir, "none.json"),
      VK_ICD_FILENAMES: join(dir, "none.json"),
    });
    assert.match(error!, /install a Vulkan driver .*mesa-vulkan-drivers/);
    assert.deepEqual(Array.from(Deno.readDirSync(join(dir, "drivers"))), []);
  });
});

Deno.test("a damaged driver is named, and not used", { ignore: !linux }, async () => {
  await inTempFolder(async (dir) => {
    await Deno.mkdir(join(dir, "drivers", "lavapipe"), { recursive: true });
    await Deno.writeTextFile(join(dir, "drivers", "lavapipe", "manifest.json"), "{");
    const { error, said } = await prepareElsewhere(undefined, {
      PATH: dir,
      HTTPS_PROXY: "http://127.0.0.1:9",
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
      PLUMBLINE_CACHE: dir,
      PLUMBLINE_DRIVER: "null",
      VK_DRIVER_FILES: join(dir, "none.json"),
      VK_ICD_FILENAMES: join(dir, "none.json"),
    });
    assert.match(
      said,
      /Cannot use the driver in the cache: "manifest.json" is missing or unreadable/,
    );
    assert.match(error!, /Cannot find a GPU/);
  });
});

Deno.test("lavapipe gets two threads a core where cores are few", () => {
  assert.deepEqual([1, 2, 8, 12, 64].map(lavapipeThreads), [2, 4, 16, 16, 64]);
});
