/**
 * Leases: of several processes that share a folder, one works on a run.
 *
 * A lease is a small file that its holder keeps locked (flock(2)) and touches now and then. The lock
 * of a process that is gone is gone too, so on the same machine such a lease is void at once. One of
 * another machine, where locks may not reach, is void when it has not been touched for a while. Whoever
 * takes over what is void holds its lock meanwhile, so of several processes of a machine one does.
 *
 * Two processes on one run would do the same work and leave the same record, so a lease that is
 * lost in spite of all this (a machine that slept) costs time and nothing else.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ifThere, namesIn } from "../data/if_there.ts";

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

const holderSchema = z.object({ host: z.string(), token: z.string() });

type Holder = z.infer<typeof holderSchema>;

/**
 * Takes a lease; null while another process holds it.
 *
 * @param path Of the lease's file; its folder is there.
 * @throws {Error} As the file system does.
 */
export async function takeLease(path: string, times = TIMES): Promise<Lease | null> {
  const held = await createLease(path) ?? await takeOver(path, times);
  if (!held) return null;
  const { token, file } = held;
  const touch = () => Deno.utime(path, new Date(), new Date()).catch(() => {});
  const timer = setInterval(touch, times.heartbeat);
  // A program that has nothing else to do may end.
  Deno.unrefTimer(timer);
  return {
    async release() {
      clearInterval(timer);
      await removeLease(path, token);
      file.close();
    },
  };
}

/**
 * Names of the leases in a folder that a living process holds, as far as can be told; none where there
 * is no folder.
 *
 * @throws {Error} As the file system does.
 */
export async function heldLeases(folder: string, times = TIMES): Promise<string[]> {
  const held: string[] = [];
  for (const name of await namesIn(folder)) {
    if (name.endsWith(".json") && await isHeld(join(folder, name), times)) held.push(name);
  }
  return held;
}

async function isHeld(path: string, times: LeaseTimes): Promise<boolean> {
  const file = await openLease(path);
  if (!file) return false;
  try {
    if (!await file.tryLock(false)) return true;
    const holder = await readHolder(path);
    return holder !== null && holder.host !== hostname() && await ageOf(path) <= times.patience;
  } finally {
    file.close();
  }
}

/** A lease's file, open and locked. */
interface Held {
  token: string;
  file: Deno.FsFile;
}

/** Null where there is a lease. It is locked before it gets its name, so it never looks void. */
async function createLease(path: string): Promise<Held | null> {
  const token = crypto.randomUUID();
  const temporary = `${path}.${token.slice(0, 8)}.tmp`;
  const file = await Deno.open(temporary, { read: true, write: true, createNew: true });
  try {
    await file.write(new TextEncoder().encode(JSON.stringify({ host: hostname(), token })));
    await file.lock(true);
    await Deno.link(temporary, path);
    return { token, file };
  } catch (error) {
    file.close();
    if (error instanceof Deno.errors.AlreadyExists) return null;
    throw error;
  } finally {
    await Deno.remove(temporary);
  }
}

/** Puts a lease in the place of one that is void. */
async function takeOver(path: string, times: LeaseTimes): Promise<Held | null> {
  const old = await openLease(path);
  if (!old) return await createLease(path);
  try {
    // Held until it is gone, so that of several processes of a machine one takes it over.
    if (!await old.tryLock(true) || !await isStillAt(path, old)) return null;
    const holder = await readHolder(path);
    if (!holder) return null;
    if (holder.host !== hostname() && await ageOf(path) <= times.patience) return null;
    return await removeLease(path, holder.token) ? await createLease(path) : null;
  } finally {
    old.close();
  }
}

/** Whether an open file has this name and no other file has taken it. */
async function isStillAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const named = await Deno.stat(path).catch(() => null);
  const { dev, ino } = await file.stat();
  return named !== null && named.dev === dev && named.ino === ino;
}

/** Null where there is no lease. */
async function openLease(path: string): Promise<Deno.FsFile | null> {
  return await ifThere(Deno.open(path, { read: true, write: true }));
}

/** Null where there is no lease; one that is damaged belongs to nobody. */
async function readHolder(path: string): Promise<Holder | null> {
  const text = await ifThere(Deno.readTextFile(path));
  if (text === null) return null;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return { host: hostname(), token: text };
  }
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
