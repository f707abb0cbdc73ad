/** A trained run that is tested again, on other data: `ablate --from RECORD`. */
import { z } from "zod";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Dataset } from "../data/dataset.ts";
import { isFolder } from "../data/if_there.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { MODULES } from "../models/multimodal.ts";
import { readRunRecord } from "../records/read_records.ts";
import type { RunRecord } from "../records/record.ts";
import type { RunSettings } from "../training/settings.ts";
import { foldsConfig } from "./determinants.ts";
import type { StudyLanguage } from "./prepare.ts";
import { type Study, studySchema } from "./study.ts";

/** A run's record, and the folder of its weights. */
export interface SavedRun {
  record: RunRecord;
  weights: string;
}

/**
 * Finds a run by its record, `runs/NAME.json` of a study's folder; its weights lie in `weights/NAME`.
 *
 * @throws {Error} If there is no such record, or it is damaged; the message names it.
 * @throws {RangeError} If its weights are not there.
 */
export async function findSavedRun(path: string): Promise<SavedRun> {
  const record = readRunRecord(path);
  const weights = join(dirname(dirname(path)), "weights", basename(path, ".json"));
  if (!await isFolder(weights)) {
    throw new RangeError(`Cannot test run "${path}": its weights are not in "${weights}"`);
  }
  return { record, weights };
}

/**
 * The study without its folds, unless the run's own data were folded as they are: then the run is
 * tested on its fold. Any other fold may hold what it was trained on, and a test split does not.
 */
export function testedStudy({ record }: SavedRun, study: Study, { contentHash }: Dataset): Study {
  const { folds, ...rest } = study;
  const { data } = (record.config ?? {}) as { data?: { contentHash?: string; folds?: unknown } };
  const isFolded = folds && data?.contentHash === contentHash &&
    isDeepStrictEqual(data.folds, foldsConfig(folds));
  return isFolded ? study : rest;
}

const { projector, lora } = studySchema.shape;
const stages = z.array(z.object({ name: z.string(), train: z.array(z.enum(MODULES)) }));
const objectiveOptions = z.record(z.string(), z.unknown()).default({});
const partsOf = z.object({ projector, lora, stages, objectiveOptions });

/**
 * The run as it was, under a study's way of asking: one stage, with all that was trained until then.
 *
 * @param study As {@linkcode testedStudy} leaves it.
 * @throws {TypeError} If the record's configuration lacks what rebuilds the model.
 */
export function savedSettings({ record }: SavedRun, study: Study): RunSettings {
  const { success, data } = partsOf.safeParse(pickParts(record.config));
  if (!success) {
    throw new TypeError(
      `Cannot test run "${record.arm}": its record does not say what its projector was like`,
    );
  }
  const { role, arm, connector, objective, lambda, seed, fold, stage } = record;
  const last = data.stages.findIndex(({ name }) => name === stage);
  const trained = new Set(data.stages.slice(0, last + 1).flatMap(({ train }) => train));
  return {
    ...{ role, arm, connector, objective, lambda, seed },
    objectiveOptions: data.objectiveOptions,
    lambdaSchedule: "constant",
    fold: study.folds ? fold : 0,
    round: 0,
    xi: 0,
    stages: [{ name: stage, train: [...trained], draw: [], training: study.training }],
    projectorWidth: data.projector.width,
    lora: data.lora,
    evaluation: study.evaluation,
  };
}

function pickParts(config: unknown): unknown {
  const { projector, lora, stages, objectiveOptions } = (config ?? {}) as Record<string, unknown>;
  return { projector, lora, stages, objectiveOptions };
}

/**
 * Makes sure that the run's projector stands between the same encoder and language model as before.
 *
 * @throws {RangeError} If one of them is another; the message says which.
 */
export function checkSameModels(
  { record }: SavedRun,
  now: { encoder: Encoder; language: StudyLanguage },
): void {
  const before = (record.config ?? {}) as Record<
    "encoder" | "llm",
    { name?: string; contentHash?: string | null } | undefined
  >;
  if (!before.llm?.contentHash) {
    throw new RangeError(
      `Cannot test run "${record.arm}": its decoder began from random weights, and its tokenizer knows the words of its own data only`,
    );
  }
  const pairs = [
    ["image encoder", before.encoder, now.encoder],
    ["language model", before.llm, now.language],
  ] as const;
  for (const [what, was, is] of pairs) {
    if (was?.contentHash !== is.contentHash) {
      throw new RangeError(
        `Cannot test run "${record.arm}": it was trained with ${what} "${was?.name}", and this one, "${is.name}", differs from it`,
      );
    }
  }
}
