/** The smallest training step that has everything, for tests. */
import type { StepSize } from "./training_model.ts";

/** Two images of five tokens with three questions each. */
export const TINY_SIZE: StepSize = {
  hidden: 16,
  layers: 1,
  visionWidth: 8,
  layout: { batch: 2, prefix: 5, blocks: 3, block: 12, answers: 2, vocabulary: 32, pad: 0 },
};
