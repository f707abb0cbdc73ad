/**
 * The report's account of what ran and on what.
 */
import type { RunKey, RunRecord, StudyRecord } from "../study/record.ts";
import { conditionColumns } from "./condition_columns.ts";
import { type Condition, conditionName, runsOf, seedsOf } from "./conditions.ts";
import { count, inWords } from "./number_format.ts";
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
    ["Seeds", seedsOf(conditions).join(", ")],
    ["Optimiser steps", each(({ steps }) => count(steps))],
    [
      "Adapter",
      each(({ adapter }) => adapter.description + (adapter.software ? " (software)" : "")),
    ],
    ["Driver", each(({ adapter }) => adapter.driver)],
    [
      "Operand form",
      each(({ operandForm }) => OPERAND_FORMS[operandForm] ?? operandForm),
    ],
    [
      "Versions",
      each(({ versions }) => `Plumbline ${versions.plumbline}, Deno ${versions.deno}`),
    ],
  ];
  const first = ({ replicates }: Condition) => replicates[0].runs[0];
  return [
    table([
      { header: "What", cell: ([name]: [string, string]) => name },
      { header: "Here", cell: ([, value]) => value },
    ], facts),
    table([
      ...conditionColumns(conditions),
      { header: "Connector", cell: (condition) => first(condition).connector },
      { header: "Objective", cell: (condition) => first(condition).objective },
      {
        header: "Parameters",
        align: "right",
        cell: (condition) => count(first(condition).parameters.total),
      },
      {
        header: "Trained, P2 included",
        align: "right",
        cell: (condition) => count(first(condition).parameters.trained),
      },
    ], conditions),
  ].join("\n");
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
  const groups = Map.groupBy(missing, conditionName);
  const list = [...groups].map(([name, keys]) => {
    const seeds = [...new Set(keys.map(({ seed }) => seed))].sort((a, b) => a - b);
    return `${name} ${seeds.length === 1 ? "seed" : "seeds"} ${inWords(seeds.map(String))}`;
  });
  return `**This study is not complete:** ${count(planned.length - missing.length)} of ${
    count(planned.length)
  } runs ` +
    `are recorded. Missing: ${list.join("; ")}.`;
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

function keyText({ role, arm, lambda, seed, fold, round = 0, stage }: RunKey): string {
  return JSON.stringify([role, arm, lambda, seed, fold, round, stage]);
}
