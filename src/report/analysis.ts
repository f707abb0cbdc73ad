/**
 * What a study fixed before it ran: which arms are compared as one family, and what is claimed.
 *
 * It stands in the settings that the study's record keeps; older records and studies without an
 * analysis have none.
 */
import { z } from "zod";
import { DIRECTIONS } from "../evaluation/claims.ts";
import type { StudyRecord } from "../records/record.ts";

const schema = z.object({
  family: z.array(z.string()).min(1),
  claims: z.array(z.object({
    claim: z.string(),
    arm: z.string(),
    statistic: z.string(),
    direction: z.enum(DIRECTIONS),
    margin: z.number().min(0),
  })).default([]),
});

/** Arms that are corrected together, and claims about arms. */
export type Analysis = z.infer<typeof schema>;

/** A claim: the difference of an arm's statistic to the baseline's, its direction and margin. */
export type Claim = Analysis["claims"][number];

/**
 * The analysis that a study's record keeps, or null.
 *
 * @throws {TypeError} when there is one and a field of it is wrong
 */
export function analysisOf({ study, config }: StudyRecord): Analysis | null {
  const asked = (config as { analysis?: unknown } | null | undefined)?.analysis;
  if (asked === undefined) return null;
  const { data, error } = schema.safeParse(asked);
  if (data) return data;
  const { path, message } = error.issues[0];
  throw new TypeError(
    `Cannot read the analysis of study "${study}": "${path.join(".")}": ${
      message.replace(/^Invalid input: /, "")
    }`,
  );
}
