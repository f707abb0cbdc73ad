/**
 * The report's figures: one line chart a quantity and stage, lines by condition.
 */
import type { RunRecord } from "../records/record.ts";
import type { DrawnChart } from "./chart_frame.ts";
import { averagePoints } from "./condition_points.ts";
import type { Condition } from "./conditions.ts";
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
  const stages = [...Map.groupBy(conditions, ({ stage }) => stage)];
  return FIGURES.flatMap((figure) =>
    stages.flatMap(([stage, ofStage]) =>
      drawFigure(stages.length === 1 ? figure : inStage(figure, stage), ofStage)
    )
  );
}

/** Each stage counts its steps from 0, and has a figure of its own where there are several. */
function inStage(figure: CurveFigure, stage: string): CurveFigure {
  return {
    ...figure,
    file: figure.file.replace(/\.svg$/, `_${stage}.svg`),
    title: `${figure.title}, stage ${stage}`,
  };
}

function drawFigure(
  { file, title, yLabel, curve }: CurveFigure,
  conditions: readonly Condition[],
): Figure[] {
  const series = conditions.map((condition, i) => ({
    name: condition.name,
    hue: condition.role === "arm" ? i : null,
    points: averagePoints(condition.replicates.flatMap(({ runs }) => runs).map(curve)),
  })).filter(({ points }) => points.length > 0);
  return series.length === 0
    ? []
    : [{ file, title, ...lineChart({ title, xLabel: "Optimiser step", yLabel, series }) }];
}
