import assert from "node:assert/strict";
import { join } from "node:path";
import { inTempFolder } from "../testing/temp_folder.ts";
import { findLibraries, loadOrder, readElf, type SharedLibrary } from "./driver_elf.ts";

/** The smallest shared library that the reader can read: one segment, a dynamic section, names. */
function elf(soname: string, needed: string[]): Uint8Array {
  const names = ["", soname, ...needed];
  const offsets = names.map((_, i) => names.slice(0, i).join("\0").length + (i > 0 ? 1 : 0));
  const strings = new TextEncoder().encode(names.join("\0") + "\0");
  // Addresses are not file offsets: the one segment is loaded 0x1000 higher.
  const [shift, dynamicAt] = [0x1000, 64 + 2 * 56];
  const entries = [[5, 0], [14, offsets[1]], ...needed.map((_, i) => [1, offsets[i + 2]]), [0, 0]];
  const stringsAt = dynamicAt + 16 * entries.length;
  entries[0][1] = stringsAt + shift;
  const bytes = new Uint8Array(stringsAt + strings.length);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  put(32, 64);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  [{ type: 1, offset: 0, size: bytes.length }, {
    type: 2,
    offset: dynamicAt,
    size: 16 * entries.length,
  }]
    .forEach(({ type, offset, size }, i) => {
      const at = 64 + 56 * i;
      view.setUint32(at, type, true);
      put(at + 8, offset);
      put(at + 16, offset + shift);
      put(at + 32, size);
    });
  entries.forEach(([tag, value], i) => {
    put(dynamicAt + 16 * i, tag);
    put(dynamicAt + 16 * i + 8, value);
  });
  bytes.set(strings, stringsAt);
  return bytes;
}

Deno.test("name and needs of a shared library are read from its dynamic section", () => {
  assert.deepEqual(readElf(elf("libdriver.so", ["libLLVM.so.15", "libc.so.6"])), {
    soname: "libdriver.so",
    needed: ["libLLVM.so.15", "libc.so.6"],
  });
  assert.equal(readElf(new TextEncoder().encode("#!/bin/sh\n".repeat(20))), null);
});

Deno.test("libraries are found by the name that others need them by, in folders below too", async () => {
  await inTempFolder(async (dir) => {
    await Deno.mkdir(join(dir, "usr", "lib"), { recursive: true });
    const file = join(dir, "usr", "lib", "libz.so.1.2.13");
    await Deno.writeFile(file, elf("libz.so.1", ["libc.so.6"]));
    await Deno.symlink("libz.so.1.2.13", join(dir, "usr", "lib", "libz.so.1"));
    await Deno.writeTextFile(join(dir, "usr", "lib", "libnot.so"), "text");
    const found = await findLibraries(dir);
    assert.deepEqual([...found.keys()], ["libz.so.1"]);
    assert.equal(found.get("libz.so.1")!.file, file);
  });
});

Deno.test("every library comes after those it needs, once, and the system's are left out", () => {
  const needs: Record<string, string[]> = {
    driver: ["llvm", "z", "c"],
    llvm: ["z", "xml", "c"],
    xml: ["z", "icu"],
    icu: ["data", "xml"],
    data: [],
    z: ["c"],
  };
  const read = (soname: string): SharedLibrary | null =>
    needs[soname] ? { soname, needed: needs[soname] } : null;
  assert.deepEqual(loadOrder(["driver", "z"], read), ["z", "data", "icu", "xml", "llvm", "driver"]);
});
