/**
 * Statistics of the projected image tokens by condition.
 */
import { conditionColumns, seedCount } from "./condition_columns.ts";
import { type Condition, measure, runsOf } from "./conditions.ts";
import { embeddingColumns, SHOWN_STATISTICS } from "./embedding_columns.ts";
import { count } from "./number_format.ts";
import { table } from "./table.ts";

/** The table with what its columns mean. */
export function embeddingTable(conditions: readonly Condition[]): string {
  const tokens = [
    ...new Set(
      runsOf(conditions).map(({ embedding }) => count(embedding.tokens)),
    ),
  ].join(" or ");
  return [
    `Of ${tokens} projected image tokens Z = P1(x) of held-out pictures; mean ± half the width of the 95 % interval over seeds. ` +
    "Average cosine is the mean over all pairs of tokens (1: all point the same way). Effective rank is the " +
    "exponential of the entropy of the singular values (Roy and Vetterli 2007), as it is and with the mean token " +
    "taken off (centred). Participation ratio counts the directions that carry the variance. Text norm is the mean " +
    "norm of the decoder's text embeddings, L_cos the arm's own loss on these pictures. A low cosine loss alone " +
    "shows nothing: a collapse lowers it too." +
    (runsOf(conditions).some(({ embedding }) => embedding.freshP2Cosine !== undefined)
      ? " Fresh P2 is the mean cosine of z and P2(z) for a P2 that no arm had, trained on three quarters of these " +
        "tokens and tested on the rest: how stable they are under a further transformation. A collapse raises it too."
      : "") +
    "\n",
    table([
      ...conditionColumns(conditions),
      seedCount,
      ...embeddingColumns(SHOWN_STATISTICS, measure),
    ], conditions),
  ].join("\n");
}
