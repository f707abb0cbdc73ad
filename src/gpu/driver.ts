/**
 * Chooses the Vulkan driver before WebGPU is first used.
 *
 * In order: what the system has; a software driver from the cache; lavapipe from the system's
 * package archive; SwiftShader from npm. Only Linux needs the choice: Metal and Direct3D come
 * with their systems (untested).
 */
import { basename, join } from "node:path";
import type { AdapterDescription } from "./adapter_info.ts";
import { cachePart, installFolder } from "./cache.ts";
import { canObtainLavapipe, obtainLavapipe } from "./driver_lavapipe.ts";
import { type DriverManifest, readManifest, writeManifest } from "./driver_manifest.ts";
import { canObtainSwiftshader, obtainSwiftshader } from "./driver_swiftshader.ts";
import { probeAdapter, systemIcds, useDriver } from "./driver_system.ts";

/** Names the driver that a process chose, for its workers and children: they take it as it is. */
const CHOSEN = "PLUMBLINE_DRIVER";

/** The driver that this process uses. */
export interface DriverChoice {
  kind: "native" | "system" | SoftwareDriver;
  /** Where it comes from, one phrase for screens and records. */
  description: string;
  /** Version of what was fetched; null for the system's own. */
  version: string | null;
  /** ICD manifest that the Vulkan loader is restricted to; null for all of the system's. */
  icd: string | null;
  /** Shared libraries to open before the first adapter is requested, leaves first. */
  libraries: string[];
}

/** What the caller asks of the choice. */
export interface DriverOptions {
  /** `system`, `lavapipe`, `swiftshader` or part of an adapter's description; the best one when absent. */
  adapter?: string;
  /** Says nothing on stderr. */
  quiet?: boolean;
}

/** An adapter that `--adapter` can name. */
export interface AvailableAdapter extends AdapterDescription {
  choice: DriverChoice;
}

/** A software driver that can be obtained. */
export type SoftwareDriver = "lavapipe" | "swiftshader";

interface SoftwareSource {
  /** What its adapter calls itself. */
  adapter: RegExp;
  download: string;
  canObtain(): boolean | Promise<boolean>;
  obtain(dir: string): Promise<DriverManifest>;
}

// Fastest first.
const SOFTWARE: Record<SoftwareDriver, SoftwareSource> = {
  lavapipe: {
    adapter: /llvmpipe/i,
    download: "60 MB",
    canObtain: canObtainLavapipe,
    obtain: obtainLavapipe,
  },
  swiftshader: {
    adapter: /swiftshader/i,
    download: "70 MB",
    canObtain: canObtainSwiftshader,
    obtain: obtainSwiftshader,
  },
};
const SOFTWARE_NAMES = Object.keys(SOFTWARE) as SoftwareDriver[];

type Say = (line: string) => void;

let prepared: { asked: string | undefined; choice: Promise<DriverChoice> } | undefined;

/**
 * Makes a driver ready; call it before the first `navigator.gpu.requestAdapter()` of the isolate.
 *
 * The variable `PLUMBLINE_ADAPTER` stands in for an absent `adapter`.
 *
 * @throws {RangeError} If no adapter has the name, listing those that are there
 * @throws {Error} If there is no driver and none can be obtained, or if the isolate has chosen otherwise before
 */
export async function prepareDriver(
  { adapter, quiet = false }: DriverOptions = {},
): Promise<DriverChoice> {
  const asked = adapter ?? (Deno.env.get("PLUMBLINE_ADAPTER") || undefined);
  prepared ??= { asked, choice: chooseAndLoad(asked, quiet ? () => {} : console.error) };
  if (asked !== undefined && asked !== prepared.asked) {
    const current = prepared.asked ?? "the best one";
    throw new Error(`Cannot change to adapter "${asked}": this process uses "${current}"`);
  }
  return await prepared.choice;
}

/**
 * Chooses a driver for another process and makes it ready: variables that give it the choice, with which
 * it needs to look for nothing and to start nothing. Where there is no driver, they say so, and that
 * process will when it asks for one.
 *
 * @returns the variables, and the libraries that the other process will open
 */
export async function chooseDriver(
  { adapter, quiet = false }: DriverOptions = {},
): Promise<{ env: Record<string, string>; libraries: string[] }> {
  const asked = adapter ?? (Deno.env.get("PLUMBLINE_ADAPTER") || undefined);
  try {
    const choice = await inheritOrChoose(asked, quiet ? () => {} : console.error);
    return {
      env: { [CHOSEN]: JSON.stringify({ asked, choice }) },
      libraries: choice.libraries,
    };
  } catch (error) {
    const problem = (error as Error).message;
    return { env: { [CHOSEN]: JSON.stringify({ asked, problem }) }, libraries: [] };
  }
}

async function chooseAndLoad(asked: string | undefined, say: Say): Promise<DriverChoice> {
  const choice = await inheritOrChoose(asked, say);
  for (const [name, value] of Object.entries(choice.icd ? useDriver(choice.icd) : {})) {
    Deno.env.set(name, value);
  }
  for (const library of choice.libraries) Deno.dlopen(library, {});
  Deno.env.set(CHOSEN, JSON.stringify({ asked, choice }));
  return choice;
}

/** The choice of the process that started this one, where it fits, else one of its own. */
async function inheritOrChoose(asked: string | undefined, say: Say): Promise<DriverChoice> {
  if (Deno.build.os === "linux") {
    // Without it WebGPU may quietly fall back to OpenGL.
    setDefault("DENO_WEBGPU_BACKEND", "vulkan");
    const shaders = cachePart("shaders");
    setDefault("MESA_SHADER_CACHE_DIR", shaders);
    await Deno.mkdir(shaders, { recursive: true });
    setDefault("LP_NUM_THREADS", String(lavapipeThreads(navigator.hardwareConcurrency)));
  }
  const chosen = JSON.parse(Deno.env.get(CHOSEN) ?? "null");
  const inherited = chosen !== null && (asked === undefined || asked === chosen.asked);
  // A choice that is not taken over must not pass for the user's own.
  if (chosen?.choice?.icd && !inherited) {
    for (const name of Object.keys(useDriver(""))) Deno.env.delete(name);
  }
  if (inherited && chosen.problem) throw new Error(chosen.problem);
  return inherited ? chosen.choice : await choose(asked, say);
}

/**
 * Threads that lavapipe computes with; it would take as many as there are cores by itself.
 *
 * A dispatch of a fraction of a millisecond is over before the scheduler has moved a thread that
 * woke on the other's core. With two a core there is work on each: a step of study `quick` on two
 * cores takes 36 to 37 ms, without it 38 to 49; long dispatches do not care.
 */
export function lavapipeThreads(cores: number): number {
  const enough = 16;
  return Math.max(cores, Math.min(2 * cores, enough));
}

function setDefault(name: string, value: string): void {
  if (!Deno.env.get(name)) Deno.env.set(name, value);
}

async function choose(asked: string | undefined, say: Say): Promise<DriverChoice> {
  if (asked === undefined) return await systemChoice() ?? await softwareChoice(SOFTWARE_NAMES, say);
  const adapters = await listAdapters();
  if (asked === "system") {
    const system = await systemChoice();
    if (system) return system;
  } else if (isSoftware(asked)) {
    const installed = adapters.find(({ description }) => SOFTWARE[asked].adapter.test(description));
    return installed?.choice ?? await softwareChoice([asked], say);
  } else {
    const named = adapters.find(({ description }) =>
      description.toLowerCase().includes(asked.toLowerCase())
    );
    if (named) return named.choice;
  }
  const there = adapters.map(({ description, choice }) =>
    `"${description}" (${choice.description})`
  );
  const known = [...there, ...Deno.build.os === "linux" ? SOFTWARE_NAMES : []].join(", ");
  throw new RangeError(`Cannot find adapter "${asked}": there are ${known || "none"}`);
}

function isSoftware(name: string): name is SoftwareDriver {
  return name in SOFTWARE;
}

/** The adapters that are there without fetching anything. */
export async function listAdapters(): Promise<AvailableAdapter[]> {
  const choices: DriverChoice[] = [];
  if (Deno.build.os === "linux") {
    for (const icd of await systemIcds()) {
      choices.push({
        kind: "system",
        description: `${basename(icd)} of the system`,
        version: null,
        icd,
        libraries: [],
      });
    }
    for (const name of SOFTWARE_NAMES) {
      const cached = await readManifest(driverDir(name)).catch(() => null);
      if (cached) choices.push(cachedChoice(name, cached));
    }
  } else {
    choices.push(nativeChoice());
  }
  const found: AvailableAdapter[] = [];
  for (const choice of choices) {
    const adapter = await probeAdapter(driverEnvironment(choice));
    if (adapter) found.push({ ...adapter, choice });
  }
  return found;
}

/** Variables that give another process this driver from its start, whether or not it prepares one. */
export function driverEnvironment({ icd, libraries }: DriverChoice): Record<string, string> {
  return {
    ...icd && useDriver(icd),
    ...libraries.length > 0 && { LD_LIBRARY_PATH: join(libraries[0], "..") },
  };
}

function nativeChoice(): DriverChoice {
  const api = Deno.build.os === "darwin" ? "Metal" : "Direct3D 12";
  return {
    kind: "native",
    description: `${api} of the system`,
    version: null,
    icd: null,
    libraries: [],
  };
}

/** What the system gives by itself; null if that is nothing. */
async function systemChoice(): Promise<DriverChoice | null> {
  if (Deno.build.os !== "linux") return nativeChoice();
  const icds = await systemIcds();
  if (icds.length === 0 || await probeAdapter() === null) return null;
  return {
    kind: "system",
    description: "Vulkan of the system",
    version: null,
    icd: null,
    libraries: [],
  };
}

/** The first of `names` that is in the cache, else the first that can be obtained. */
async function softwareChoice(names: SoftwareDriver[], say: Say): Promise<DriverChoice> {
  const failures = new Map<SoftwareDriver, string>();
  const attempt = async (name: SoftwareDriver, get: () => Promise<DriverManifest | null>) => {
    try {
      const driver = await get();
      return driver && cachedChoice(name, driver);
    } catch (error) {
      failures.set(name, (error as Error).message);
      say((error as Error).message);
      return null;
    }
  };
  for (const name of names) {
    const choice = await attempt(name, () => readOrRepair(name, say));
    if (choice) return choice;
  }
  for (const name of names) {
    if (failures.has(name) || !await SOFTWARE[name].canObtain()) continue;
    const choice = await attempt(name, () => install(name, say));
    if (choice) return choice;
  }
  throw new Error(
    "Cannot find a GPU, nor obtain a software one: install a Vulkan driver " +
      "(on Debian and Ubuntu: apt-get install mesa-vulkan-drivers) or connect to the network once",
  );
}

/** The driver in the cache; one that was damaged is fetched anew. */
async function readOrRepair(name: SoftwareDriver, say: Say): Promise<DriverManifest | null> {
  try {
    return await readManifest(driverDir(name));
  } catch (error) {
    say((error as Error).message);
    return await install(name, say);
  }
}

/** Obtains a driver, tries it, and keeps it if it works. */
async function install(name: SoftwareDriver, say: Say): Promise<DriverManifest> {
  say(
    `Fetching the software Vulkan driver ${name} into the cache (about ${
      SOFTWARE[name].download
    }, once)`,
  );
  const target = driverDir(name);
  await installFolder(target, async (dir) => {
    const driver = await SOFTWARE[name].obtain(dir);
    const adapter = await probeAdapter({
      ...useDriver(join(dir, driver.icd)),
      LD_LIBRARY_PATH: dir,
    });
    if (!adapter) throw new Error(`Cannot use ${name}: it was fetched but gives no adapter`);
    await writeManifest(dir, driver);
  });
  return (await readManifest(target))!;
}

function driverDir(name: SoftwareDriver): string {
  return join(cachePart("drivers"), name);
}

function cachedChoice(name: SoftwareDriver, driver: DriverManifest): DriverChoice {
  const dir = driverDir(name);
  return {
    kind: name,
    description: `${name} in the cache (${driver.source})`,
    version: driver.version,
    icd: join(dir, driver.icd),
    libraries: driver.libraries.map((library) => join(dir, library)),
  };
}
