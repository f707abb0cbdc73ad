/** No regulariser: L = L_TP. The baseline. */
import type { Objective } from "./objective.ts";

/** The objective of the baseline. */
export const none: Objective = {
  name: "none",
  formula: "L = L_TP",
  source: "baseline",
  parameters: () => [],
  trace: () => undefined,
};
