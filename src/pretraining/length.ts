/**
 * How long a training is. Until its learning rate falls nothing depends on that, so a training can
 * still be made longer or shorter.
 */

/** Steps of a training, and the last ones of them, with a falling learning rate. */
export interface Length {
  steps: number;
  decay: number;
}

/** A length as a checkpoint's metadata. */
export function lengthOf({ steps, decay }: Length): Record<string, string> {
  return { steps: String(steps), decay: String(decay) };
}

/**
 * Checks that a checkpoint can be gone on from at another length.
 *
 * @throws {RangeError} If the learning rate has begun to fall, or would have.
 */
export function checkLength(
  metadata: Record<string, string>,
  length: Length,
  path: string,
): void {
  const before = { steps: Number(metadata.steps), decay: Number(metadata.decay) };
  if (before.steps === length.steps && before.decay === length.decay) return;
  const constant = ({ steps, decay }: Length) => steps - decay;
  if (Number(metadata.step) > Math.min(constant(before), constant(length))) {
    throw new RangeError(
      `Cannot go on with "${path}" to ${length.steps} steps: the learning rate has fallen by then; remove it to begin anew`,
    );
  }
}
