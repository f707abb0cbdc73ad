/**
 * Final losses by condition, and the curves that lead there.
 */
import type { DiagnosticPoint, RunRecord } from "../records/record.ts";
import { conditionColumns, intervalColumn, seedCount } from "./condition_columns.ts";
import { type Condition, measure, runsOf } from "./conditions.ts";
import type { Figure } from "./figures.ts";
import { table } from "./table.ts";

/** The table, then each figure as a relative link. */
export function lossTable(
  conditions: readonly Condition[],
  figures: readonly Figure[],
): string {
  const column = (
    header: string,
    pick: (losses: RunRecord["losses"]) => number | null,
  ) =>
    intervalColumn<Condition>(
      header,
      4,
      (condition) => measure(condition, ({ losses }) => pick(losses)),
    );
  return [
    "Token loss L_TP is the mean cross-entropy of the answer tokens, in nats. Training losses are means over the " +
    "last tenth of the steps; L_cos is before the factor λ. Mean ± half the width of the 95 % interval over seeds.\n",
    table([
      ...conditionColumns(conditions),
      seedCount,
      column("Token loss, training", ({ tokenLoss }) => tokenLoss),
      column("Token loss, test", ({ testTokenLoss }) => testTokenLoss),
      column("L_cos, training", ({ cosineLoss }) => cosineLoss),
    ], conditions),
    ...diagnosticTable(conditions),
    ...(figures.length === 0 ? [] : [
      "Lines are means over the runs of an arm, bands reach from the lowest run to the highest.\n",
    ]),
    ...figures.map(({ file, title }) => `![${title}](figures/${file})\n`),
  ].join("\n");
}

/** What both losses did to P1 when it was measured last; nothing where no record says. */
function diagnosticTable(conditions: readonly Condition[]): string[] {
  const lastOf = ({ losses }: RunRecord) => losses.diagnostics?.at(-1);
  if (!runsOf(conditions).some(lastOf)) return [];
  const column = (
    header: string,
    decimals: number,
    pick: (point: DiagnosticPoint) => number | null,
  ) =>
    intervalColumn<Condition>(header, decimals, (condition) =>
      measure(condition, (run) => {
        const last = lastOf(run);
        return last ? pick(last) : null;
      }));
  return [
    "What both losses do to P1 at the end of training, on its last batch: norms of their gradients by P1's " +
    "parameters, λ in that of L_cos, and how the one compares with the other; norm and average cosine of P1(x); " +
    "and how far P2 is from the identity, |P2(z) - z| / |z|, where a cosine loss leaves the length of P2(z) free.\n",
    table([
      ...conditionColumns(conditions),
      column("Gradient of L_TP", 4, ({ tokenGradientNorm }) => tokenGradientNorm),
      column("Gradient of λ L_cos", 4, ({ cosineGradientNorm }) => cosineGradientNorm),
      column(
        "λ L_cos / L_TP",
        3,
        ({ tokenGradientNorm, cosineGradientNorm }) =>
          cosineGradientNorm === null ? null : cosineGradientNorm / tokenGradientNorm,
      ),
      column("Norm of P1(x)", 3, ({ meanNorm }) => meanNorm),
      column("Average cosine", 3, ({ averageCosine }) => averageCosine),
      column("P2 from identity", 3, ({ p2Distance }) => p2Distance),
    ], conditions),
  ];
}
