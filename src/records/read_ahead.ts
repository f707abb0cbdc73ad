/**
 * Reads the records of a large study on several threads.
 *
 * Parsing and checking a record takes several times as long as handing it from one thread to another,
 * so that two threads read 100,000 records in three quarters of the time.
 */
import { runReader, type StoredRun } from "./run_file.ts";

/** Fewer are read sooner than a thread begins. */
const FEWEST_FILES = 4000;
/** More wait for the thread that takes what they have read. */
const MOST_HELPERS = 3;
/** Files that are asked for at once. */
const CHUNK = 200;

/** How it is divided. */
export interface ReadAheadOptions {
  /** Threads beside this one. Default: none for few files, else one a further core, at most 3. */
  helpers?: number;
  /** Files that a thread takes at once. Default: 200. */
  chunk?: number;
}

/**
 * Reads what can be read of `DIR/runs/NAME`. A record stands at the place of its name; nothing does
 * where there are no helpers, or it cannot be read: reading it again says why.
 *
 * @param dir the study's folder
 * @param names file names of the runs
 */
export async function readAhead(
  dir: string,
  names: readonly string[],
  { helpers = defaultHelpers(names.length), chunk = CHUNK }: ReadAheadOptions = {},
): Promise<(StoredRun | undefined)[]> {
  if (helpers === 0) return [];
  const found: (StoredRun | undefined)[] = new Array(names.length);
  let next = 0;
  const take = (): number => {
    const first = next;
    next += chunk;
    return first;
  };
  const put = (first: number, runs: (StoredRun | undefined)[]) =>
    runs.forEach((run, i) => found[first + i] = run);

  const read = runReader(dir);
  const here = async () => {
    for (let first = take(); first < names.length; first = take()) {
      put(first, read(names.slice(first, first + chunk)));
      await turnOfOthers();
    }
  };
  const workers = Array.from(
    { length: helpers },
    // Its name tells it the folder.
    () =>
      new Worker(new URL("./read_ahead_worker.ts", import.meta.url), { type: "module", name: dir }),
  );
  const there = async (worker: Worker) => {
    const ask = asker(worker);
    const some = async () => {
      for (let first = take(); first < names.length; first = take()) {
        put(first, await ask(names.slice(first, first + chunk)));
      }
    };
    // The second is at hand when the first is done.
    await Promise.all([some(), some()]);
  };
  try {
    await Promise.all([here(), ...workers.map(there)]);
  } finally {
    for (const worker of workers) worker.terminate();
  }
  return found;
}

function defaultHelpers(files: number): number {
  return files < FEWEST_FILES ? 0 : Math.min(navigator.hardwareConcurrency - 1, MOST_HELPERS);
}

/** Asks a helper, which answers in the order of the questions. */
function asker(worker: Worker) {
  const waiting: PromiseWithResolvers<(StoredRun | undefined)[]>[] = [];
  worker.onmessage = ({ data }) => waiting.shift()?.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting) reject(new Error(`Cannot read records: ${event.message}`));
  };
  return (names: string[]): Promise<(StoredRun | undefined)[]> => {
    const answer = Promise.withResolvers<(StoredRun | undefined)[]>();
    waiting.push(answer);
    worker.postMessage(names);
    return answer.promise;
  };
}

/** Messages arrive between tasks only; `setImmediate` comes before them. */
function turnOfOthers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
