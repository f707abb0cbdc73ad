/** Accuracy over several test sets or question types together. */
import type { Accuracy, TypeAccuracy } from "../records/record.ts";

/** Accuracy over the questions of several test sets together: means weighted by question counts. */
export function poolAccuracy(parts: readonly Accuracy[]): Accuracy {
  if (parts.length === 1) return parts[0];
  const byType = Object.fromEntries(
    questionTypes(parts).map((type) => [
      type,
      poolTypes(
        parts.flatMap((part) => Object.hasOwn(part.byType, type) ? [part.byType[type]] : []),
      ),
    ]),
  );
  const sizes = parts.map(({ overall, byType }) => ({
    accuracy: overall,
    n: Object.values(byType).reduce((sum, type) => sum + type.n, 0),
  }));
  return { overall: poolTypes(sizes).accuracy, byType };
}

/** Accuracy over the questions of several types together; NaN over none. */
export function poolTypes(types: readonly TypeAccuracy[]): TypeAccuracy {
  const n = types.reduce((sum, type) => sum + type.n, 0);
  return { accuracy: types.reduce((sum, type) => sum + type.accuracy * type.n, 0) / n, n };
}

/** Question types in code-unit order. */
export function questionTypes(accuracies: readonly Accuracy[]): string[] {
  return [...new Set(accuracies.flatMap(({ byType }) => Object.keys(byType)))]
    .sort();
}
