/** No regulariser: L = L_TP. The baseline. */
import { NO_OPTIONS, type Objective } from "./objective.ts";

/** The objective of the baseline. */
export const none: Objective = {
  name: "none",
  formula: "L = L_TP",
  source: "baseline",
  options: NO_OPTIONS,
  rows: "tokens",
  parameters: () => [],
  trace: () => undefined,
};
