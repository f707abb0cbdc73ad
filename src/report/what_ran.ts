/**
 * The report's account of what ran and on what.
 */
import { z } from "zod";
import { sha256 } from "../data/sha256.ts";
import type { RunKey, RunRecord, StudyRecord } from "../records/record.ts";
import { keyText } from "../records/run_key.ts";
import { conditionColumns } from "./condition_columns.ts";
import { type Condition, conditionNames, runsOf, seedsOf } from "./conditions.ts";
import { count, fixed, inWords } from "./number_format.ts";
import { table } from "./table.ts";

const OPERAND_FORMS: Record<string, string> = {
  image: "storage textures",
  buffer: "storage buffers",
};

/** Study, data, encoder, model, machine, and the arms with their sizes. */
export function whatRan(
  study: StudyRecord,
  conditions: readonly Condition[],
): string {
  const runs = runsOf(conditions);
  const each = (text: (run: RunRecord) => string) => [...new Set(runs.map(text))].join("; ");
  const { data, encoder, folds } = study;
  const splits = Object.keys(data.images).map((split) =>
    `${split} ${count(data.images[split])} pictures with ${
      count(data.questions[split] ?? 0)
    } questions`
  );
  const arms = ARM_COLUMNS.map((column) => ({
    ...column,
    cell: ({ replicates }: Condition) => column.of(replicates[0].runs[0]),
  }));
  const differ = arms.filter(({ cell }) => new Set(conditions.map(cell)).size > 1);
  const facts: [string, string][] = [
    ["Data", `${data.name}: ${data.source}`],
    ["Splits", splits.join("; ")],
    ...(folds ? [["Folds", foldsInWords(folds)] as [string, string]] : []),
    [
      "Image encoder",
      `${encoder.name}: ${encoder.description}; frozen, ${count(encoder.tokens)} tokens x ${
        count(encoder.width)
      }`,
    ],
    ["Model", study.model],
    ...arms.filter((column) => !differ.includes(column)).map(({ header, cell }): Fact => [
      header,
      cell(conditions[0]),
    ]),
    ["Seeds", seedsOf(conditions).join(", ")],
    ["Optimiser steps", each(({ steps }) => count(steps))],
    ...passesInWords(study, runs),
    [
      "Adapter",
      each(({ adapter }) => adapter.description + (adapter.software ? " (software)" : "")),
    ],
    ["Driver", each(({ adapter }) => adapter.driver)],
    [
      "Operand form",
      each(({ operandForm }) => OPERAND_FORMS[operandForm] ?? operandForm),
    ],
    ...[...new Set(runs.flatMap((run) => planInWords(run) ?? []))].map((plan): Fact => [
      "Kernel plan",
      plan,
    ]),
    [
      "Versions",
      each(({ versions }) => `Plumbline ${versions.plumbline}, Deno ${versions.deno}`),
    ],
  ];
  return [
    table([
      { header: "What", cell: ([name]: Fact) => name },
      { header: "Here", cell: ([, value]) => value },
    ], facts),
    ...(differ.length === 0
      ? []
      : [table([...conditionColumns(conditions), ...differ], conditions)]),
  ].join("\n");
}

type Fact = [name: string, value: string];

/** What a condition is made of: a column where it differs, a fact where all have the same. */
const ARM_COLUMNS: { header: string; align?: "right"; of(run: RunRecord): string }[] = [
  { header: "Connector", of: ({ connector }) => connector },
  { header: "Objective", of: objectiveInWords },
  { header: "Parameters", align: "right", of: ({ parameters }) => count(parameters.total) },
  {
    header: "Trained, P2 included",
    align: "right",
    of: ({ parameters }) => count(parameters.trained),
  },
];

const stagesSchema = z.looseObject({
  stages: z.array(z.looseObject({
    name: z.string(),
    training: z.looseObject({ batch: z.number() }),
  })),
});

/** How often training goes through its pictures; nothing where folds choose them, or no record says. */
function passesInWords({ data, folds }: StudyRecord, runs: readonly RunRecord[]): Fact[] {
  if (folds || !data.images.train) return [];
  const passes = new Set(runs.map(({ config, stage, steps }) => {
    const stages = stagesSchema.safeParse(config).data?.stages ?? [];
    const batch = stages.find(({ name }) => name === stage)?.training.batch;
    return batch === undefined ? NaN : steps * batch / data.images.train;
  }));
  return [...passes].every(Number.isFinite)
    ? [["Passes over the training pictures", [...passes].map((each) => fixed(each, 2)).join("; ")]]
    : [];
}

const optionsSchema = z.looseObject({ objectiveOptions: z.record(z.string(), z.unknown()) });

/** Its name, with the options that it has: arms may differ by those alone. */
function objectiveInWords({ objective, config }: RunRecord): string {
  const { data } = optionsSchema.safeParse(config);
  if (data === undefined) return objective;
  const options = Object.entries(data.objectiveOptions).map(([name, value]) =>
    `${name} ${JSON.stringify(value)}`
  );
  return options.length === 0 ? objective : `${objective} (${options.join(", ")})`;
}

const planSchema = z.looseObject({
  kernelPlan: z.looseObject({ lanes: z.number(), shapes: z.record(z.string(), z.unknown()) }),
});

/** The kernels that were chosen for the adapter; null in older records. */
function planInWords({ config }: RunRecord): string | null {
  // Saying what is wrong with each of very many takes long.
  if (typeof config !== "object" || config === null || !("kernelPlan" in config)) return null;
  const { data } = planSchema.safeParse(config);
  if (data === undefined) return null;
  const { kernelPlan } = data;
  const hash = sha256(JSON.stringify(kernelPlan));
  const shapes = Object.keys(kernelPlan.shapes).length;
  return `${count(kernelPlan.lanes)} lanes; blocks of ${
    count(shapes)
  } shapes of products chosen by ` +
    `their time (\`plan.json\`, SHA-256 \`${hash.slice(0, 12)}\`)`;
}

/** How the test questions were chosen where training and validation sets were folded. */
function foldsInWords({ count, by }: NonNullable<StudyRecord["folds"]>): string {
  const sides = {
    image: "no picture is on both sides",
    question: "a picture may be on both sides",
  };
  return `${count} folds by ${by} of train and validation together, each tested once: ${
    sides[by]
  }; the test split takes no part`;
}

/**
 * Says which runs have no record; empty when none is missing. Without a plan, a run is missing where
 * another condition has that seed and fold.
 */
export function missingRuns(
  study: StudyRecord,
  conditions: readonly Condition[],
): string {
  const runs = runsOf(conditions);
  const planned = study.planned ?? everyCombination(conditions, runs);
  const recorded = new Set(runs.map(keyText));
  const missing = planned.filter((key) => !recorded.has(keyText(key)));
  if (missing.length === 0) return "";
  const whole = conditionNames([]), staged = conditionNames(planned);
  const stagesOf = (keys: readonly RunKey[]) => new Set(keys.map(({ stage }) => stage));
  const wanted = Map.groupBy(planned, whole);
  const list = [...Map.groupBy(missing, whole)].flatMap(([name, keys]) => {
    const groups = [...Map.groupBy(keys, staged)].map(([name, keys]) => [name, seedsInWords(keys)]);
    // Where a condition lacks the same seeds after every stage, they are named once.
    const alike = new Set(groups.map(([, seeds]) => seeds)).size === 1 &&
      stagesOf(keys).size === stagesOf(wanted.get(name)!).size;
    return alike ? [`${name} ${groups[0][1]}`] : groups.map((group) => group.join(" "));
  });
  return `**This study is not complete:** ${count(planned.length - missing.length)} of ${
    count(planned.length)
  } runs ` +
    `are recorded. Missing: ${list.join("; ")}.`;
}

function seedsInWords(keys: readonly RunKey[]): string {
  const seeds = [...new Set(keys.map(({ seed }) => seed))].sort((a, b) => a - b);
  return `${seeds.length === 1 ? "seed" : "seeds"} ${inWords(seeds.map(String))}`;
}

function everyCombination(
  conditions: readonly Condition[],
  runs: readonly RunRecord[],
): RunKey[] {
  const tests = new Map(
    runs.map(({ seed, fold }) => [`${seed} ${fold}`, { seed, fold }]),
  );
  return conditions.flatMap(({ role, arm, lambda, round, stage }) =>
    [...tests.values()].map(({ seed, fold }) => ({
      role,
      arm,
      lambda,
      round,
      stage,
      seed,
      fold,
    }))
  );
}
