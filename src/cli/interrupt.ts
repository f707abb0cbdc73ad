/** Ctrl-C, or a scheduler's SIGTERM: once to stop in good order, twice to stop at once. */
import type { Progress } from "./progress.ts";

/** Signals, and the exit code of a program that one of them ended. Windows knows no SIGTERM. */
const SIGNALS: [signal: Deno.Signal, code: number][] = [["SIGINT", 130]];
if (Deno.build.os !== "windows") SIGNALS.push(["SIGTERM", 143]);

/** Milliseconds. A Ctrl-C reaches the program from the terminal, and again from what started it. */
const ONE_KEYSTROKE = 1000;

/** What is said. */
export interface InterruptWords {
  /** At the first signal. */
  stopping: string;
  /** When the work has stopped. */
  stopped: string;
}

/**
 * Does work that Ctrl-C and SIGTERM stop through an abort signal, with exit code 130 or 143, and ends
 * the progress display.
 *
 * @throws {Error} What the work throws, but for the `AbortError` of the signal.
 */
export async function withInterrupt(
  progress: Progress,
  { stopping, stopped }: InterruptWords,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  let exitCode = 0;
  let latest = -Infinity;
  const listeners = SIGNALS.map(([signal, code]) => {
    const listener = () => {
      const now = performance.now();
      if (now - latest < ONE_KEYSTROKE) return;
      latest = now;
      if (abort.signal.aborted) {
        progress.stop();
        Deno.exit(code);
      }
      exitCode = code;
      progress.say(stopping);
      abort.abort();
    };
    return { signal, listener };
  });
  for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);
  try {
    await work(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted || (error as Error).name !== "AbortError") throw error;
    progress.say(stopped);
    Deno.exitCode = exitCode;
  } finally {
    progress.stop();
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  }
}
