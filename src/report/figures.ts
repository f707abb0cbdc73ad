/**
 * The report's figures: one line chart a quantity, lines by condition.
 */
import type { RunRecord } from "../study/record.ts";
import { type Condition, conditionName } from "./conditions.ts";
import { averagePoints } from "./condition_points.ts";
import type { DrawnChart } from "./chart_frame.ts";
import { lineChart } from "./line_chart.ts";

/** One value of a training or validation curve, at its step. */
interface Sample {
  x: number;
  y: number;
}

/** What is drawn of a run, and how it is named. */
interface CurveFigure {
  file: string;
  title: string;
  yLabel: string;
  curve(run: RunRecord): Sample[];
}

const FIGURES: CurveFigure[] = [
  {
    file: "token_loss.svg",
    title: "Token loss during training",
    yLabel: "L_TP, mean cross-entropy (nats per answer token)",
    curve: ({ losses }) => losses.curve.map(({ step, tokenLoss }) => ({ x: step, y: tokenLoss })),
  },
  {
    file: "cosine_loss.svg",
    title: "Cosine loss during training",
    yLabel: "L_cos before λ (1 − cosine, no unit)",
    curve: ({ losses }) =>
      losses.curve.flatMap(({ step, cosineLoss }) =>
        cosineLoss === null ? [] : [{ x: step, y: cosineLoss }]
      ),
  },
  {
    file: "validation_accuracy.svg",
    title: "Validation accuracy during training",
    yLabel: "VQA accuracy (% of validation questions)",
    curve: ({ losses }) =>
      losses.validation.map(({ step, accuracy }) => ({
        x: step,
        y: 100 * accuracy,
      })),
  },
];

/** A drawn figure. */
export interface Figure extends DrawnChart {
  /** File name in the report's `figures` folder. */
  file: string;
  /** Its title, also its alternative text. */
  title: string;
}

/** Draws every quantity that the records have; lines are means over runs, bands their range. */
export function drawFigures(conditions: readonly Condition[]): Figure[] {
  return FIGURES.flatMap(({ file, title, yLabel, curve }) => {
    const series = conditions.map((condition, i) => ({
      name: conditionName(condition),
      hue: condition.role === "arm" ? i : null,
      points: averagePoints(
        condition.replicates.flatMap(({ runs }) => runs).map(curve),
      ),
    })).filter(({ points }) => points.length > 0);
    if (series.length === 0) return [];
    return [{
      file,
      title,
      ...lineChart({ title, xLabel: "Optimiser step", yLabel, series }),
    }];
  });
}
