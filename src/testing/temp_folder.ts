/**
 * A folder for the time of a test.
 */

/** Makes an empty folder, hands it to `use`, and removes it with all in it, whatever became of `use`. */
export async function inTempFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
