/** How fast a grid of runs goes, and how long it will take. */

/** A moment of a run. */
export interface Moment {
  /** Place of the run in the grid. */
  index: number;
  stage: string;
  /** Steps of the stage that are done. */
  step: number;
  /** Steps of the run that are done, of all its stages. */
  done: number;
  /** Steps of the run. */
  steps: number;
  /** Questions of a step. */
  questions: number;
}

/** What a moment says; null before there is anything to measure. */
export interface Pace {
  /** Share of the grid that is done, 0 to 1. */
  share: number;
  /** Of training, since its stage began here. */
  questionsPerSecond: number | null;
  /** Until the run is over, seconds. */
  runLeft: number | null;
  /** Until all runs are over, seconds. */
  gridLeft: number | null;
}

/**
 * Measures the pace of runs that are done one after the other.
 *
 * @param stepsOf Steps of each run that is to be done, by its place in the grid.
 * @param now Milliseconds since any moment.
 * @returns What a moment says; moments come in their order.
 */
export function createPace(
  stepsOf: ReadonlyMap<number, number>,
  now: () => number = () => performance.now(),
): (moment: Moment) => Pace {
  const total = stepsOf.values().reduce((sum, steps) => sum + steps, 0);
  let ended = 0;
  let current: Moment | undefined;
  let stage: { key: string; step: number; at: number } | undefined;
  let grid: { done: number; at: number } | undefined;
  return (moment) => {
    const at = now();
    const { index, step, done, steps, questions } = moment;
    if (current && current.index !== index) ended += stepsOf.get(current.index) ?? 0;
    current = moment;
    const key = `${index} ${moment.stage}`;
    // A run may have begun before this process: what it did then took none of its time.
    if (stage?.key !== key) stage = { key, step, at };
    grid ??= { done: ended + done, at };
    const stepsPerSecond = rate(step - stage.step, at - stage.at);
    // Evaluation and all that lies between two runs is in this one.
    const overall = rate(ended + done - grid.done, at - grid.at);
    return {
      share: total > 0 ? Math.min(1, (ended + done) / total) : 0,
      questionsPerSecond: stepsPerSecond && stepsPerSecond * questions,
      runLeft: stepsPerSecond && (steps - done) / stepsPerSecond,
      gridLeft: overall && Math.max(0, total - ended - done) / overall,
    };
  };
}

function rate(count: number, milliseconds: number): number | null {
  return count > 0 && milliseconds > 0 ? 1000 * count / milliseconds : null;
}
