/** Progress on standard error: a bar on a terminal, plain lines elsewhere. */
import cliProgress from "cli-progress";

/** Where progress goes. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** How far the current work is. */
  task(what: string, done: number, total: number): void;
  /** Takes the bar away. */
  stop(): void;
}

/** Between two plain lines about work that goes on, milliseconds. */
const LINE_EVERY = 10_000;

/** Starts reporting progress. */
export function createProgress(): Progress {
  return Deno.stderr.isTerminal() ? barProgress() : lineProgress();
}

function barProgress(): Progress {
  const format = "{bar} {percentage} % | {what} | {eta_formatted} left";
  let bar: cliProgress.SingleBar | undefined;
  let total = 0;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    say(line) {
      stop();
      console.error(line);
    },
    task(what, done, of) {
      if (!bar || of !== total || done < (bar as unknown as { value: number }).value) {
        stop();
        bar = new cliProgress.SingleBar(
          { format, hideCursor: true, clearOnComplete: true },
          cliProgress.Presets.shades_classic,
        );
        bar.start(total = of, 0, { what });
      }
      bar.update(done, { what });
      if (done >= of) stop();
    },
    stop,
  };
}

/**
 * Plain lines: one when work is done, and one about every ten seconds before that.
 *
 * @param write Takes a line.
 * @param now Milliseconds since any moment.
 */
export function lineProgress(
  write: (line: string) => void = console.error,
  now: () => number = () => performance.now(),
): Progress {
  let last = now();
  return {
    say: write,
    task(what, done, total) {
      if (done < total && now() - last < LINE_EVERY) return;
      last = now();
      write(`${what}: ${done} of ${total}`);
    },
    stop() {},
  };
}
