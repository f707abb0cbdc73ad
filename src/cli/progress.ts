/** Progress on standard error: bars on a terminal, plain lines elsewhere, or a log of JSON lines. */
import cliProgress from "cli-progress";
import { duration } from "./format.ts";
import type { Pace } from "./pace.ts";

/** Which run of a grid it is about. */
export interface RunTitle {
  /** Its place in the grid, from 1. */
  run: number;
  /** Runs of the grid. */
  runs: number;
  arm: string;
  lambda: number;
  seed: number;
  /** Where there are several. */
  fold?: number;
  /** Where there is one before it. */
  round?: number;
}

/** How far a run is. */
export interface RunStep {
  stage: string;
  /** Steps of the stage. */
  step: number;
  steps: number;
  loss: number;
  /** Share of the run that is done, 0 to 1. */
  share: number;
  pace: Pace;
}

/** Where progress goes. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** How far the work is that is no run. */
  task(what: string, done: number, total: number): void;
  /** How far a run is. */
  step(title: RunTitle, at: RunStep): void;
  /** How a run went. */
  ended(title: RunTitle, note: string): void;
  /** Takes the bars away. */
  stop(): void;
}

/** Between two plain lines about work that goes on, milliseconds. */
const LINE_EVERY = 10_000;

/** Kinds of log that can be asked for. */
export const LOGS = ["jsonl"] as const;

/** Starts reporting progress; without a log as bars on a terminal and as plain lines elsewhere. */
export function createProgress(log?: (typeof LOGS)[number]): Progress {
  if (log === "jsonl") return jsonProgress();
  return Deno.stderr.isTerminal() ? barProgress() : lineProgress();
}

/** A run's title for people, as in `[3/12] baseline lambda 0 seed 1`. */
function titleText({ run, runs, arm, lambda, seed, fold, round }: RunTitle): string {
  const part = fold === undefined ? "" : ` fold ${fold}`;
  const again = round === undefined ? "" : ` round ${round}`;
  return `[${run}/${runs}] ${arm} lambda ${lambda} seed ${seed}${part}${again}`;
}

function stepText(title: RunTitle, { stage, loss, pace }: RunStep): string {
  const speed = pace.questionsPerSecond;
  return `${titleText(title)} ${stage}, loss ${loss.toFixed(3)}` +
    (speed === null ? "" : `, ${speed.toPrecision(3)} questions/s`);
}

const leftText = (seconds: number | null) => seconds === null ? "" : ` | ${duration(seconds)} left`;

/** One bar for the grid and one for the run or whatever else is at work. */
function barProgress(): Progress {
  let bars: {
    all: cliProgress.MultiBar;
    grid?: cliProgress.SingleBar;
    work: cliProgress.SingleBar;
  };
  let shown: "work" | "runs" | undefined;
  const stop = () => {
    if (shown) bars.all.stop();
    shown = undefined;
  };
  const show = (what: "work" | "runs") => {
    if (shown === what) return;
    stop();
    const all = new cliProgress.MultiBar(
      { format: "{bar} {percentage} % | {what}", hideCursor: true, clearOnComplete: true },
      cliProgress.Presets.shades_classic,
    );
    const grid = what === "runs" ? all.create(100, 0, { what: "" }) : undefined;
    bars = { all, grid, work: all.create(100, 0, { what: "" }) };
    shown = what;
  };
  const say = (line: string) => {
    stop();
    console.error(line);
  };
  return {
    say,
    task(what, done, total) {
      show("work");
      bars.work.update(Math.round(100 * done / total), { what });
      if (done >= total) stop();
    },
    step(title, at) {
      show("runs");
      const { share, gridLeft, runLeft } = at.pace;
      const grid = `run ${title.run} of ${title.runs}${leftText(gridLeft)}`;
      bars.grid!.update(Math.round(100 * share), { what: grid });
      bars.work.update(Math.round(100 * at.share), {
        what: `${stepText(title, at)}${leftText(runLeft)}`,
      });
    },
    ended: (title, note) => say(`${titleText(title)}: ${note}`),
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
  const isDue = (done: number, total: number) => {
    if (done < total && now() - last < LINE_EVERY) return false;
    last = now();
    return true;
  };
  return {
    say: write,
    task(what, done, total) {
      if (isDue(done, total)) write(`${what}: ${done} of ${total}`);
    },
    step(title, at) {
      const { step, steps, pace } = at;
      if (!isDue(step, steps)) return;
      write(`${stepText(title, at)}: ${step} of ${steps}${leftText(pace.gridLeft)}`);
    },
    ended: (title, note) => write(`${titleText(title)}: ${note}`),
    stop() {},
  };
}

/**
 * One JSON object a line, with its `time` and its `event`: `message` (text), `task` (what, done, total),
 * `step` and `end` of a run. Fields are those of {@linkcode RunTitle} and {@linkcode RunStep}; what is
 * not known yet is null.
 *
 * @param write Takes a line.
 * @param time The time, in ISO 8601.
 */
export function jsonProgress(
  write: (line: string) => void = console.error,
  time: () => string = () => new Date().toISOString(),
): Progress {
  const event = (name: string, fields: object) =>
    write(JSON.stringify({ time: time(), event: name, ...fields }));
  return {
    say: (text) => event("message", { text }),
    task: (what, done, total) => event("task", { what, done, total }),
    step(title, { pace, share, ...at }) {
      const { questionsPerSecond, runLeft, gridLeft } = pace;
      event("step", {
        ...title,
        ...at,
        ...{ questionsPerSecond, runShare: share, runSecondsLeft: runLeft },
        ...{ gridShare: pace.share, gridSecondsLeft: gridLeft },
      });
    },
    ended: (title, note) => event("end", { ...title, note }),
    stop() {},
  };
}
