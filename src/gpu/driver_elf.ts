/**
 * Reads which shared libraries a library needs, and in which order to load them.
 *
 * The dynamic linker finds a needed library without a search path when one of that name (its
 * SONAME) is in the process already; so a driver in an unusual folder works in-process when its
 * libraries are opened leaves first.
 */
import { basename, join } from "node:path";

// System V ABI, "Program Header" and "Dynamic Section"; 64-bit little-endian only, as Deno's own builds for Linux are.
const ELF_64_LITTLE_ENDIAN = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;

/** What the dynamic section of a shared library says. */
export interface SharedLibrary {
  /** The name that others need it by; null where it has none. */
  soname: string | null;
  /** SONAMEs it needs. */
  needed: string[];
}

/**
 * Reads the dynamic section of an ELF file.
 *
 * @returns null if the bytes are no 64-bit little-endian ELF file
 */
export function readElf(bytes: Uint8Array): SharedLibrary | null {
  if (bytes.length < 64 || ELF_64_LITTLE_ENDIAN.some((byte, i) => bytes[i] !== byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => Number(view.getBigUint64(at, true));
  const start = word(32);
  const segments = Array.from({ length: view.getUint16(56, true) }, (_, i) => {
    const at = start + i * view.getUint16(54, true);
    return {
      type: view.getUint32(at, true),
      offset: word(at + 8),
      address: word(at + 16),
      size: word(at + 32),
    };
  });
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return { soname: null, needed: [] };

  const entries: { tag: number; value: number }[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push({ tag: word(at), value: word(at + 8) });
  }
  const stringsAt = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0;
  const holder = segments.find(({ type, address, size }) =>
    type === PT_LOAD && address <= stringsAt && stringsAt < address + size
  );
  if (!holder) return { soname: null, needed: [] };
  const strings = holder.offset + stringsAt - holder.address;
  const text = (offset: number) => {
    const from = strings + offset;
    return new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)));
  };
  const soname = entries.find(({ tag }) => tag === DT_SONAME);
  return {
    soname: soname ? text(soname.value) : null,
    needed: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => text(value)),
  };
}

/**
 * Libraries under `roots` and what they need, leaves first, by SONAME.
 *
 * @param read What the library of a SONAME needs; null where it is left to the system
 */
export function loadOrder(
  roots: string[],
  read: (soname: string) => SharedLibrary | null,
): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (soname: string): void => {
    if (seen.has(soname)) return;
    seen.add(soname);
    const library = read(soname);
    if (!library) return;
    library.needed.forEach(visit);
    order.push(soname);
  };
  roots.forEach(visit);
  return order;
}

/** All shared libraries under a folder, by SONAME, with the file that holds each. */
export async function findLibraries(
  dir: string,
): Promise<Map<string, { file: string; library: SharedLibrary }>> {
  const found = new Map<string, { file: string; library: SharedLibrary }>();
  for await (const entry of Deno.readDir(dir)) {
    const file = join(dir, entry.name);
    if (entry.isDirectory) {
      for (const [soname, value] of await findLibraries(file)) found.set(soname, value);
    } else if (entry.isFile && entry.name.includes(".so")) {
      const library = readElf(await Deno.readFile(file));
      if (library) found.set(library.soname ?? basename(file), { file, library });
    }
  }
  return found;
}
