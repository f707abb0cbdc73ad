/** Reading files whose size is not trusted. */

/** Larger files are not read as a whole, but for weights. */
export const MOST_BYTES = 256e6;

/**
 * Reads a file.
 *
 * @param most bytes that it may have
 * @throws {RangeError} when it is no ordinary file (a device or a pipe may never end), or a larger one;
 * the message is the reason alone, to stand behind the file's name
 * @throws as `Deno.readFile` does
 */
export async function readWhole(
  path: string | URL,
  most = MOST_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  checkFile(await Deno.stat(path), most);
  return await Deno.readFile(path);
}

/**
 * As {@linkcode readWhole}, for very many small files: waiting for each costs more than reading it.
 *
 * @throws as {@linkcode readWhole}
 */
export function readWholeSync(path: string, most = MOST_BYTES): Uint8Array<ArrayBuffer> {
  checkFile(Deno.statSync(path), most);
  return Deno.readFileSync(path);
}

/**
 * What the file system says of an ordinary file, so that it can be opened.
 *
 * @throws {RangeError} when it is none
 */
export async function statFile(path: string | URL): Promise<Deno.FileInfo> {
  return checkFile(await Deno.stat(path), Infinity);
}

function checkFile(info: Deno.FileInfo, most: number): Deno.FileInfo {
  if (!info.isFile) throw new RangeError("it is no ordinary file");
  if (info.size > most) throw new RangeError(`it has ${info.size} bytes, more than ${most}`);
  return info;
}
