/** Which runs of a grid have their records already. */
import type { RunRecord } from "../records/record.ts";
import type { RunSettings } from "../training/settings.ts";
import { type AblationSetting, armConfig, sharedDeterminants } from "./determinants.ts";
import { recordName } from "./grid.ts";

/**
 * Runs of the grid that a record is there for.
 *
 * Every record of the folder must have been made with the same settings, or the report would compare
 * what was not trained alike.
 *
 * @param action What cannot be done otherwise, for the message.
 * @throws {RangeError} If one was not; the message names it and the field that differs.
 */
export function finishedRuns(
  setting: AblationSetting,
  records: readonly RunRecord[],
  action = "resume",
): Set<RunSettings> {
  const now = sharedDeterminants(setting);
  const known = new Map(setting.runs.map((settings) => [settings.arm, settings]));
  const there = new Set<string>();
  for (const record of records) {
    const arm = known.get(record.arm);
    const name = recordName(record, record.stage, arm?.stages.length ?? 1);
    const { connector, objective } = record;
    const { stages, objectiveOptions, lambdaSchedule, xi, ...config } =
      (record.config ?? {}) as Partial<RunSettings>;
    const { description, driver } = record.adapter;
    // The first engine left no number.
    const before = { adapter: description, driver, engine: record.engine ?? 1, config };
    const own = { stages, objectiveOptions, lambdaSchedule, xi };
    const difference = firstDifference(before, now) ?? (arm && firstDifference(
      { connector, objective, config: own },
      { connector: arm.connector, objective: arm.objective, config: armConfig(arm) },
    ));
    if (difference) {
      throw new RangeError(
        `Cannot ${action}: record "${name}.json" was made with other settings (${difference})`,
      );
    }
    there.add(`${name} ${record.stage}`);
  }
  return new Set(
    setting.runs.filter((settings) =>
      settings.stages.every(({ name }) =>
        there.has(`${recordName(settings, name, settings.stages.length)} ${name}`)
      )
    ),
  );
}

/** The first field in which two JSON values differ, in words; undefined where they are equal. */
export function firstDifference(before: unknown, now: unknown, path = ""): string | undefined {
  if (JSON.stringify(before) === JSON.stringify(now)) return undefined;
  if (before && now && typeof before === "object" && typeof now === "object") {
    const a = before as Record<string, unknown>, b = now as Record<string, unknown>;
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = firstDifference(a[key], b[key], path ? `${path}.${key}` : key);
      if (difference) return difference;
    }
    return undefined;
  }
  return `${path} was ${JSON.stringify(before)}, is ${JSON.stringify(now)}`;
}
