/**
 * The user's cache: everything Plumbline fetched or computed and can make again.
 *
 * One folder, one sub-folder (a part) for each kind of thing, so that its place, size and
 * removal can be told in one line each.
 */
import { isAbsolute, join, resolve, sep } from "node:path";

/** The parts of the cache and what they hold. Only these are ever removed. */
export const CACHE_PARTS = {
  deno: "the Deno that the launcher fetched",
  drivers: "software Vulkan drivers",
  shaders: "shaders compiled by the driver",
  kernels: "kernel plans chosen by the tuner",
  features: "image features by content hash",
  models: "models fetched from the hub",
} as const;

/** Name of a part of the cache. */
export type CachePart = keyof typeof CACHE_PARTS;

/** What the cache's place depends on; a parameter so that tests need no other machine. */
export interface CacheEnvironment {
  os: typeof Deno.build.os;
  get(name: string): string | undefined;
}

const thisMachine: CacheEnvironment = { os: Deno.build.os, get: (name) => Deno.env.get(name) };

/**
 * The cache folder: `PLUMBLINE_CACHE`, else the platform's own place for caches.
 *
 * The launcher follows the same rule, so Deno itself lies in the same folder.
 *
 * @throws {Error} If the environment names no home folder
 */
export function cacheDir(environment: CacheEnvironment = thisMachine): string {
  const own = environment.get("PLUMBLINE_CACHE");
  if (own) return resolve(environment.get("INIT_CWD") ?? Deno.cwd(), own);
  // The XDG specification has relative paths ignored.
  const xdg = environment.get("XDG_CACHE_HOME");
  if (xdg && isAbsolute(xdg)) return join(xdg, "plumbline");
  const local = environment.os === "windows" && environment.get("LOCALAPPDATA");
  if (local) return join(local, "plumbline");
  const home = environment.get("HOME");
  if (!home) throw new Error("Cannot find a place for the cache: set PLUMBLINE_CACHE or HOME");
  return join(
    home,
    ...(environment.os === "darwin" ? ["Library", "Caches"] : [".cache"]),
    "plumbline",
  );
}

/** The folder of a part; it may not exist yet. */
export function cachePart(part: CachePart): string {
  return join(cacheDir(), part);
}

/** Bytes in all files under `path`; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const entry of Deno.readDir(path)) {
      const child = join(path, entry.name);
      if (entry.isDirectory) bytes += await sizeOf(child);
      else if (entry.isFile) bytes += (await Deno.lstat(child)).size;
    }
  } catch (error) {
    // Another process may be at work in the cache.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}

/** Bytes held by each part. */
export async function cacheSizes(dir: string = cacheDir()): Promise<Record<CachePart, number>> {
  const sizes = {} as Record<CachePart, number>;
  for (const part of Object.keys(CACHE_PARTS) as CachePart[]) {
    sizes[part] = await sizeOf(join(dir, part));
  }
  return sizes;
}

/**
 * Removes the parts, except one that holds the running Deno.
 *
 * @returns Bytes removed, by part
 */
export async function clearCache(
  dir: string = cacheDir(),
  running: string = Deno.execPath(),
): Promise<Partial<Record<CachePart, number>>> {
  const removed: Partial<Record<CachePart, number>> = {};
  for (const [part, bytes] of Object.entries(await cacheSizes(dir)) as [CachePart, number][]) {
    const path = join(dir, part);
    if (running.startsWith(path + sep)) continue;
    await removeIfThere(path);
    removed[part] = bytes;
  }
  return removed;
}

/**
 * Puts the folder that `fill` writes at `target`. Whatever interrupts, the folder is there
 * whole or not at all.
 */
export async function installFolder(
  target: string,
  fill: (dir: string) => Promise<void>,
): Promise<void> {
  const partial = `${target}.partial-${crypto.randomUUID()}`;
  const replaced = `${partial}-replaced`;
  await Deno.mkdir(partial, { recursive: true });
  try {
    await fill(partial);
    // A folder cannot be renamed onto one that holds files.
    await Deno.rename(target, replaced).catch(ignoreNotFound);
    await Deno.rename(partial, target);
  } finally {
    await removeIfThere(partial);
    await removeIfThere(replaced);
  }
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(ignoreNotFound);
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
