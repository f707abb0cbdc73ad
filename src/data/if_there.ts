/** Files and folders that may not be there. */

/** Whether there is something of this path. */
export async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Whether there is a folder of this path. */
export async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

/** Whether there is an ordinary file of this path. */
export async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

/**
 * What reads a file or folder, or null where that is not there.
 *
 * @throws What the reading throws for any other reason.
 *
 * @example
 * ```ts
 * import { ifThere } from "./if_there.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(await ifThere(Deno.readTextFile("no/such/file.txt")), null);
 * ```
 */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Names of a folder's entries, in the file system's order; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  const entries = await ifThere(Array.fromAsync(Deno.readDir(folder)));
  return (entries ?? []).map(({ name }) => name);
}
