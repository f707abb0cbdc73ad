import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Numbers spread evenly over [-scale, scale) for tests; the same seed gives the same numbers.
 *
 * Each is a float32, so a float32 program sees exactly what the float64 reference sees.
 */
export function randomValues(
  seed: number,
  length: number,
  scale = 1,
): Float64Array {
  const random = xoroshiro128plus(seed);
  return Float64Array.from(
    { length },
    () => Math.fround(scale * (2 * uniformFloat64(random) - 1)),
  );
}
