/** The tokenizer of the embedded models: every word of the world, and bytes for all others. */
import { buildTokenizer, type Tokenizer } from "../data/tokenizer.ts";
import { GROUND } from "./description.ts";
import { plural } from "./questions.ts";
import { COLOR_NAMES, PLACES, SHAPES, SIZES } from "./scene.ts";

/** Words of descriptions, captions and questions that name no object. */
const PLAIN = `a an the there is are not no in image does contain present what where how many which
  shape shapes color size object objects of on at to from left right top bottom above below
  closest furthest have has same do and or yes no with none picture photo`;

/** The largest number that is a word. */
const MOST = 20;

/** The tokenizer of the embedded decoder and text tower. */
export function pretrainingTokenizer(): Tokenizer {
  const numbers = Array.from({ length: MOST + 1 }, (_, n) => String(n));
  const places = Array.from({ length: PLACES }, (_, n) => `x${n} y${n}`);
  return buildTokenizer([
    PLAIN,
    GROUND,
    ...COLOR_NAMES,
    ...SHAPES,
    ...SHAPES.map(plural),
    ...Object.keys(SIZES),
    ...numbers,
    ...places,
    // Punctuation stands without a space behind a word.
    "a.,?",
  ]);
}
