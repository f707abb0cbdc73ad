/** Tunes the products of a study's own programs, once for each adapter. */
import type { AdapterRecord } from "../gpu/adapter_info.ts";
import { type Engine, withPlan } from "../gpu/engine.ts";
import { imaginePrograms } from "../training/imagined_programs.ts";
import type { PreparedData } from "../training/prepared_data.ts";
import type { RunSettings } from "../training/settings.ts";
import { productClasses } from "./products.ts";
import { tune, type TunedClass, type TuneOptions } from "./tune.ts";
import { readTuned, tuningKey, writeTuned } from "./tuner_cache.ts";

/** Options of {@linkcode tuneStudy}. */
export interface TuneStudyOptions extends TuneOptions {
  /** Folder of the tuner's files. */
  folder: string;
  /** Measures again what is known. */
  fresh?: boolean;
  say(line: string): void;
}

/**
 * An engine with the blocks that are fastest for a study here, and what was measured for it, now or
 * before.
 */
export async function tuneStudy(
  engine: Engine,
  adapter: AdapterRecord,
  runs: readonly RunSettings[],
  data: PreparedData,
  { folder, fresh = false, say, ...options }: TuneStudyOptions,
): Promise<{ engine: Engine; tuned: TunedClass[] }> {
  const key = tuningKey(engine, adapter, options.half);
  const known = fresh ? [] : await readTuned(folder, key, say);
  const classes = productClasses(imaginePrograms(engine, runs, data).commands);
  const missing = classes.filter(({ name }) => !known.some((one) => one.name === name));
  const shapes = Object.fromEntries(known.map(({ name, chosen }) => [name, chosen]));
  const start = withPlan(engine, { ...engine.plan, shapes });
  if (missing.length > 0) say(`Timing register blocks for ${missing.length} classes of products`);
  const { plan, tuned } = await tune(start, missing, options);
  if (tuned.length > 0) await writeTuned(folder, key, [...known, ...tuned]);
  // Only what the study needs enters its plan, so that other studies leave no trace in it.
  const all = [...known, ...tuned].filter(({ name }) => classes.some((one) => one.name === name));
  const chosen = Object.fromEntries(all.map(({ name, chosen }) => [name, chosen]));
  return { engine: withPlan(engine, { ...plan, shapes: chosen }), tuned: all };
}
