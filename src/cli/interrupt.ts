/** Ctrl-C: once to stop in good order, twice to stop at once. */
import type { Progress } from "./progress.ts";

/** Exit code of a program that SIGINT ended. */
const INTERRUPTED = 130;

/** Milliseconds. A Ctrl-C reaches the program from the terminal, and again from what started it. */
const ONE_KEYSTROKE = 1000;

/** What is said. */
export interface InterruptWords {
  /** At the first Ctrl-C. */
  stopping: string;
  /** When the work has stopped. */
  stopped: string;
}

/**
 * Does work that Ctrl-C stops through a signal, with exit code 130, and ends the progress display.
 *
 * @throws {Error} What the work throws, but for the `AbortError` of the signal.
 */
export async function withInterrupt(
  progress: Progress,
  { stopping, stopped }: InterruptWords,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  let latest = -Infinity;
  const interrupt = () => {
    const now = performance.now();
    if (now - latest < ONE_KEYSTROKE) return;
    latest = now;
    if (abort.signal.aborted) {
      progress.stop();
      Deno.exit(INTERRUPTED);
    }
    progress.say(stopping);
    abort.abort();
  };
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    await work(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted || (error as Error).name !== "AbortError") throw error;
    progress.say(stopped);
    Deno.exitCode = INTERRUPTED;
  } finally {
    progress.stop();
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}
