/**
 * What the runs of a condition have in common, as points of a line.
 */
import { mean } from "simple-statistics";
import type { EmbeddingGeometry } from "../records/record.ts";
import type { Condition } from "./conditions.ts";
import type { ChartPoint } from "./line_chart.ts";

/** The geometry of every run of a condition that has one. */
export function geometriesOf({ replicates }: Condition): EmbeddingGeometry[] {
  return replicates.flatMap(({ runs }) =>
    runs.flatMap(({ geometry }) => geometry === undefined ? [] : [geometry])
  );
}

/** Mean and range at the places that every curve has; others would mix different sets of runs. */
export function averagePoints(curves: readonly { x: number; y: number }[][]): ChartPoint[] {
  const byPlace = Map.groupBy(curves.flat().filter(({ y }) => Number.isFinite(y)), ({ x }) => x);
  return [...byPlace]
    .filter(([, points]) => points.length === curves.length)
    .sort(([a], [b]) => a - b)
    .map(([x, points]) => {
      const values = points.map(({ y }) => y);
      return { x, y: mean(values), low: Math.min(...values), high: Math.max(...values) };
    });
}
