/**
 * Places of each id in order, as compressed sparse rows: those of id i are
 * `places[starts[i]]` to `places[starts[i + 1] - 1]`.
 *
 * @param ids 0 to `count` - 1; what is negative has no place
 */
export function sortedPlaces(
  ids: Int32Array,
  count: number,
): { starts: Int32Array; places: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const id of ids) if (id >= 0) starts[id + 1]++;
  for (let id = 0; id < count; id++) starts[id + 1] += starts[id];
  const next = starts.slice(0, count);
  const places = new Int32Array(ids.length);
  ids.forEach((id, place) => {
    if (id >= 0) places[next[id]++] = place;
  });
  return { starts, places };
}
