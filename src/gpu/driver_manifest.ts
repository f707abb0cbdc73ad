/**
 * The manifest of a driver in the cache: what it is, how to load it, and the hash of every file.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

const MANIFEST = "manifest.json";
const MANIFEST_VERSION = 1;

/** A software Vulkan driver as it lies in a folder of the cache. */
export interface DriverManifest {
  /** `lavapipe` or `swiftshader`. */
  name: string;
  /** Version of the package it came from. */
  version: string;
  /** Where it came from, one phrase for the screen. */
  source: string;
  /** File name of the ICD manifest, which tells the Vulkan loader where the driver is. */
  icd: string;
  /** Shared libraries by file name, each after those that it needs. */
  libraries: string[];
}

interface StoredManifest extends DriverManifest {
  manifestVersion: number;
  /** SHA-256 (hex) by file name. */
  files: Record<string, string>;
}

/** Hashes the files of `dir` and writes its manifest. */
export async function writeManifest(dir: string, driver: DriverManifest): Promise<void> {
  const files: Record<string, string> = {};
  for (const file of [...driver.libraries, driver.icd].sort()) {
    files[file] = await sha256(join(dir, file));
  }
  const stored: StoredManifest = { manifestVersion: MANIFEST_VERSION, ...driver, files };
  await Deno.writeTextFile(join(dir, MANIFEST), JSON.stringify(stored, null, 2) + "\n");
}

/**
 * Reads the manifest of `dir` and compares every file with its hash.
 *
 * @returns null if there is no driver
 * @throws {Error} If the folder is damaged, naming the file
 */
export async function readManifest(dir: string): Promise<DriverManifest | null> {
  let stored: StoredManifest;
  try {
    stored = JSON.parse(await Deno.readTextFile(join(dir, MANIFEST)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !(await exists(dir))) return null;
    throw new Error(`Cannot use the driver in the cache: "${MANIFEST}" is missing or unreadable`, {
      cause: error,
    });
  }
  if (stored?.manifestVersion !== MANIFEST_VERSION) {
    throw new Error(
      `Cannot use the driver in the cache: its manifest has version ${stored?.manifestVersion}`,
    );
  }
  const { manifestVersion: _, files, ...driver } = stored;
  for (const file of [...driver.libraries, driver.icd]) {
    const hash = await sha256(join(dir, file)).catch(() => null);
    if (hash === null || hash !== files[file]) {
      throw new Error(
        `Cannot use the driver in the cache: "${file}" is ${
          hash === null ? "missing" : "not what was unpacked"
        }`,
      );
    }
  }
  return driver;
}

/** SHA-256 (hex) of a file. */
async function sha256(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
