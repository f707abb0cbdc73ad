/**
 * What a teacher adds, by round: an arm of repeated self-distillation beside the arm that differs from
 * it in having none.
 */
import { z } from "zod";
import type { Summary } from "../evaluation/intervals.ts";
import type { StudyRecord } from "../records/record.ts";
import { conditionColumns, pointsColumns } from "./condition_columns.ts";
import { type Condition, differenceTo } from "./conditions.ts";
import { count } from "./number_format.ts";
import { table } from "./table.ts";

const settings = z.object({
  arms: z.array(z.looseObject({
    name: z.string(),
    rounds: z.looseObject({ xi: z.number() }).optional(),
  })),
});

type Arm = z.infer<typeof settings>["arms"][number];

/** A taught round beside the same round of the other arm. */
interface TaughtRow extends Condition {
  untaught: string;
  difference: Summary;
}

/** The table with what it says; empty where no arm has such a twin, or both have no run in common. */
export function teacherTable({ config }: StudyRecord, conditions: readonly Condition[]): string {
  const { data } = settings.safeParse(config);
  const rows = data ? taughtRows(data.arms, conditions) : [];
  if (rows.length === 0) return "";
  return [
    "What the teacher adds, by round: accuracy of a student of the round before less that of a model that began the " +
    "round with the same weights and saw the same batches without one, in points at the same seeds. The intervals " +
    "are not adjusted, and none decides a verdict.\n",
    table([
      ...conditionColumns(rows),
      { header: "Less", cell: ({ untaught }) => untaught },
      { header: "Seeds", align: "right", cell: ({ difference }) => count(difference.n) },
      ...pointsColumns<TaughtRow>("Difference", ({ difference }) => difference),
    ], rows),
  ].join("\n");
}

function taughtRows(arms: readonly Arm[], conditions: readonly Condition[]): TaughtRow[] {
  return arms.flatMap((arm) => {
    const twin = arms.find((other) =>
      other.rounds?.xi === 0 && besideTeacher(other) === besideTeacher(arm)
    );
    if (!arm.rounds || arm.rounds.xi === 0 || twin === undefined) return [];
    return conditions.filter(({ role, arm: name, round }) =>
      role === "arm" && name === arm.name && round > 0
    ).flatMap((taught) => {
      const untaught = conditions.find(({ role, arm: name, lambda, round, stage }) =>
        role === "arm" && name === twin.name && lambda === taught.lambda &&
        round === taught.round &&
        stage === taught.stage
      );
      const difference = untaught && differenceTo(untaught, taught);
      return difference ? [{ ...taught, untaught: twin.name, difference }] : [];
    });
  });
}

/** All of an arm but its name and the weight of its teacher, as text. */
function besideTeacher({ name: _, rounds, ...rest }: Arm): string {
  return JSON.stringify({ ...rest, rounds: { ...rounds, xi: null } });
}
