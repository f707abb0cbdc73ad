/** Files that are there whole or not at all. */

/**
 * Writes a file under a temporary name, syncs it and renames it: the old one or the new one is
 * there, never half of one, whatever interrupts.
 *
 * @throws {Error} As the file system does; the temporary file is removed.
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await viaTemporary(path, content, (temporary) => Deno.rename(temporary, path));
}

/**
 * Writes a file that is not there yet, whole. Of several processes that do so at once, on any
 * machines that share the folder, one succeeds.
 *
 * @returns Whether it was this one; otherwise the file stays as it is.
 * @throws {Error} As the file system does; it must know hard links. The temporary file is removed.
 */
export async function createFile(path: string, content: string | Uint8Array): Promise<boolean> {
  return await viaTemporary(path, content, async (temporary) => {
    try {
      // Unlike a rename, a link replaces nothing.
      await Deno.link(temporary, path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    } finally {
      await Deno.remove(temporary);
    }
  });
}

/** Writes and syncs a file of a name that no other process takes, and puts it in its place. */
async function viaTemporary<T>(
  path: string,
  content: string | Uint8Array,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  // Not the process id: machines that share a folder have the same ones.
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    return await place(temporary);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}
