/**
 * Leases: of several processes that share a folder, one works on a run.
 *
 * A lease is a small file that its holder touches now and then. A lease of a process on this machine
 * that is gone is void at once; one of another machine, which cannot be asked, is void when it has
 * not been touched for a while. What is void is taken over by renaming it away, which one of many
 * can do.
 *
 * Two processes on one run would do the same work and leave the same record, so a lease that is
 * lost in spite of all this (a machine that slept) costs time and nothing else.
 */
import { hostname } from "node:os";
import { z } from "zod";
import { createFile } from "../data/replace_file.ts";

/** A lease that is held. */
export interface Lease {
  /** Gives it back. */
  release(): Promise<void>;
}

/** How often a lease is touched, and after how long without a touch it is void, milliseconds. */
export interface LeaseTimes {
  heartbeat: number;
  patience: number;
}

const TIMES: LeaseTimes = { heartbeat: 10_000, patience: 120_000 };

const holderSchema = z.object({
  host: z.string(),
  pid: z.int(),
  /** When the process began, as its machine counts; null where that cannot be had. */
  began: z.string().nullable(),
  token: z.string(),
});

type Holder = z.infer<typeof holderSchema>;

/**
 * Takes a lease; null while another process holds it.
 *
 * @param path Of the lease's file; its folder is there.
 * @throws {Error} As the file system does.
 */
export async function takeLease(path: string, times = TIMES): Promise<Lease | null> {
  const holder: Holder = {
    host: hostname(),
    pid: Deno.pid,
    began: await beganAt(Deno.pid),
    token: crypto.randomUUID(),
  };
  if (!await createFile(path, JSON.stringify(holder))) {
    const before = await readHolder(path);
    if (before && !await isVoid(path, before, times)) return null;
    if (before && !await removeLease(path, before.token)) return null;
    if (!await createFile(path, JSON.stringify(holder))) return null;
  }
  const touch = () => Deno.utime(path, new Date(), new Date()).catch(() => {});
  const timer = setInterval(touch, times.heartbeat);
  // A program that has nothing else to do may end.
  Deno.unrefTimer(timer);
  return {
    async release() {
      clearInterval(timer);
      await removeLease(path, holder.token);
    },
  };
}

/** Null where there is no lease; one that is damaged belongs to nobody. */
async function readHolder(path: string): Promise<Holder | null> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return { host: hostname(), pid: 0, began: null, token: text };
  }
}

async function isVoid(path: string, holder: Holder, { patience }: LeaseTimes): Promise<boolean> {
  if (holder.host === hostname() && holder.pid === Deno.pid) return false;
  if (holder.host === hostname() && Deno.build.os === "linux") {
    const began = await beganAt(holder.pid);
    return began === null || began !== holder.began;
  }
  return await ageOf(path) > patience;
}

/**
 * Milliseconds since a file was touched, by the clock of whoever keeps the folder: machines that
 * share it may disagree by minutes.
 */
async function ageOf(path: string): Promise<number> {
  const touched = await Deno.stat(path).then(({ mtime }) => mtime, () => null);
  if (!touched) return 0;
  const probe = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  await Deno.writeTextFile(probe, "");
  try {
    const { mtime } = await Deno.stat(probe);
    return mtime!.getTime() - touched.getTime();
  } finally {
    await Deno.remove(probe);
  }
}

/**
 * Removes the lease with this token.
 *
 * @returns Whether it was there.
 */
async function removeLease(path: string, token: string): Promise<boolean> {
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.rename(path, aside);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    if ((await readHolder(aside))?.token === token) return true;
    // Another process took it meanwhile: it goes back, unless a third has one by now.
    await Deno.link(aside, path).catch(() => {});
    return false;
  } finally {
    await Deno.remove(aside);
  }
}

/**
 * When a process of this machine began, in ticks since the machine did (proc(5), stat, field 22), so
 * that a number that was given again is not mistaken for it; null where there is no such process.
 */
async function beganAt(pid: number): Promise<string | null> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // Its second field is a name in parentheses, which may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    return null;
  }
}
