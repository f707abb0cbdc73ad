/** Rounds that would teach, and cannot: their weights are gone. */
import { join } from "node:path";
import type { RunSettings } from "../training/settings.ts";
import { recordNames } from "./grid.ts";
import { hasWeights } from "./saved_weights.ts";
import { chainsOf } from "./shards.ts";

/**
 * Finished runs whose weights a round that is still to be done needs, and that are not there any
 * more, as in a folder of which only the records were kept.
 *
 * @param finished Runs that have a record of every stage.
 */
export async function lostTeachers(
  out: string,
  runs: readonly RunSettings[],
  finished: ReadonlySet<RunSettings>,
): Promise<RunSettings[]> {
  const lost: RunSettings[] = [];
  for (const chain of chainsOf(runs)) {
    let isTaught = false;
    // From the last round back, for a teacher that is done again needs one itself.
    for (const settings of chain.toReversed()) {
      let isOpen = !finished.has(settings);
      if (!isOpen && isTaught && !await leftWeights(out, settings)) {
        lost.push(settings);
        isOpen = true;
      }
      isTaught = isOpen;
    }
  }
  return lost;
}

async function leftWeights(out: string, settings: RunSettings): Promise<boolean> {
  const isThere = await Promise.all(
    recordNames(settings).map((name) => hasWeights(join(out, "weights", name))),
  );
  return isThere.every(Boolean);
}
