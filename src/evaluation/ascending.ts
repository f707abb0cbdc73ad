/** Sorting that costs next to nothing where it was done before. */

/** The values in ascending order: the list itself where it has that order, a sorted copy otherwise. */
export function ascending(values: readonly number[]): readonly number[] {
  for (let i = 1; i < values.length; i++) {
    if (values[i - 1] > values[i]) return values.toSorted((a, b) => a - b);
  }
  return values;
}
