/** Checkpoints of runs: the progress of a run in one safetensors file. */
import { z } from "zod";
import { parseJson } from "../data/json.ts";
import { namingFile } from "../data/naming_file.ts";
import { oneLine } from "../data/one_line.ts";
import type { ModelWeights } from "../models/multimodal.ts";
import type { MatrixValues } from "../nn/matrix_values.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import type { Progress } from "./progress.ts";

const PARTS = [
  "connector",
  "objective",
  "decoder",
  "lora",
] as const satisfies (keyof ModelWeights)[];
const STATE = "state";

/** Matrices by `part/name`. */
type Flat = Map<string, MatrixValues>;

/** Weights as one map. */
function flatten(weights: Partial<ModelWeights>): Flat {
  return new Map(
    PARTS.flatMap((part) =>
      [...weights[part] ?? []].map(([name, matrix]) => [`${part}/${name}`, matrix] as const)
    ),
  );
}

/** The inverse of {@linkcode flatten}; a part without matrices is left out, but for P1 and P2. */
function unflatten(flat: ReadonlyMap<string, MatrixValues>): ModelWeights {
  const part = (prefix: string) =>
    new Map(
      [...flat].flatMap(([name, matrix]) =>
        name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), matrix] as const] : []
      ),
    );
  const weights: ModelWeights = { connector: part("connector"), objective: part("objective") };
  const [decoder, lora] = [part("decoder"), part("lora")];
  if (decoder.size > 0) weights.decoder = decoder;
  if (lora.size > 0) weights.lora = lora;
  return weights;
}

/**
 * Writes a run's progress, whole or not at all.
 *
 * @param identity What determines the run; {@linkcode loadProgress} takes no other's.
 */
export async function saveProgress(
  path: string,
  { values, state, ...done }: Progress,
  identity: string,
): Promise<void> {
  const matrices = flatten(values);
  for (const [name, matrix] of state) matrices.set(`${STATE}/${name}`, matrix);
  await saveCheckpoint(path, matrices, { identity, done: JSON.stringify(done) });
}

/**
 * Reads a run's progress; null where there is none, or it is another run's.
 *
 * @throws {SyntaxError | TypeError | RangeError} If the file is damaged; the message names it.
 */
export async function loadProgress(path: string, identity: string): Promise<Progress | null> {
  const found = await loadCheckpoint(path);
  if (!found || found.metadata.identity !== identity) return null;
  const state = new Map(
    [...found.state].flatMap(([name, matrix]) =>
      name.startsWith(`${STATE}/`) ? [[name.slice(STATE.length + 1), matrix] as const] : []
    ),
  );
  const done = await namingFile(path, () => parseDone(found.metadata.done));
  return { ...done, values: unflatten(found.state), state };
}

const count = z.number().int().min(0);

/** What a checkpoint holds beside matrices. */
const doneSchema = z.object({
  stage: count,
  losses: z.array(
    z.object({
      tokenLoss: z.number(),
      cosineLoss: z.number().nullable(),
      gradientNorm: z.number(),
    }),
  ),
  validation: z.array(z.object({ step: count, accuracy: z.number() })),
  diagnostics: z.array(z.object({
    step: count,
    tokenGradientNorm: z.number(),
    cosineGradientNorm: z.number().nullable(),
    meanNorm: z.number(),
    averageCosine: z.number(),
    p2Distance: z.number().nullable(),
  })),
  seconds: z.number(),
});

function parseDone(text: string | undefined): z.infer<typeof doneSchema> {
  const { success, data, error } = doneSchema.safeParse(parseJson(text ?? ""));
  if (success) return data;
  const [{ path, message }] = error.issues;
  throw new TypeError(
    `Cannot read progress: "${path.join(".")}": ${
      oneLine(message.replace(/^Invalid input: /, ""))
    }`,
  );
}
