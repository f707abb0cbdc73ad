/**
 * Named random streams.
 *
 * Every use of chance (pictures, questions, weights, batch order) draws from its own stream, derived from the seed
 * by name. So one more draw in one place changes nothing in another, and arms that share a stream share its numbers.
 */
import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** A sequence of random numbers; every call advances it. */
export interface RandomStream {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in 0..n-1. */
  int(n: number): number;
  /** One of the items, each as likely. */
  pick<T>(items: readonly T[]): T;
  /** Standard normal (Box and Muller). */
  normal(): number;
  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * The random stream `name` of `seed` (xoroshiro128+, its state being the start of SHA-256 of both).
 *
 * @throws {RangeError} when the seed is not a whole number
 */
export function stream(seed: number, name: string): RandomStream {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(
      `Cannot derive random stream "${name}": seed ${seed} is not a whole number`,
    );
  }
  const digest = createHash("sha256").update(`${seed}/${name}`).digest();
  const generator = xoroshiro128plusFromState(
    [0, 4, 8, 12].map((at) => digest.readInt32LE(at)),
  );
  const uniform = () => uniformFloat64(generator);
  const int = (n: number) => {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new RangeError(
        `Cannot draw from "${name}": ${n} is not a positive whole number`,
      );
    }
    return uniformInt(generator, 0, n - 1);
  };
  return {
    uniform,
    int,
    pick: (items) => items[int(items.length)],
    // 1 - u keeps the logarithm finite.
    normal: () =>
      Math.sqrt(-2 * Math.log(1 - uniform())) *
      Math.cos(2 * Math.PI * uniform()),
    shuffle(items) {
      const copy = [...items];
      for (let last = copy.length - 1; last > 0; last--) {
        const other = int(last + 1);
        [copy[last], copy[other]] = [copy[other], copy[last]];
      }
      return copy;
    },
  };
}
