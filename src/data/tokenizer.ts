/**
 * A word-level tokenizer with byte fallback, made from the training texts; nothing pre-trained.
 *
 * A token is a word or a punctuation mark together with the space before it, so decoding is plain joining and gives
 * back the normalised text exactly. A word that the training texts do not have becomes its UTF-8 bytes, as in
 * SentencePiece (Kudo and Richardson 2018, arXiv 1808.06226).
 */

/** Text to token ids and back. */
export interface Tokenizer {
  vocabularySize: number;
  pad: number;
  /** Stands for what cannot be encoded; with bytes in the vocabulary {@link encode} never needs it. */
  unk: number;
  bos: number;
  eos: number;
  /** Ids of the normalised text, without `bos` and `eos`. */
  encode(text: string): number[];
  /** Text of ids; `pad`, `bos` and `eos` are left out, `unk` and broken UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string;
  /** Every token, by id. */
  tokens: string[];
}

const SPECIALS = ["<pad>", "<unk>", "<bos>", "<eos>"];
const BYTES = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).padStart(2, "0")}>`,
);
const FIRST_BYTE = SPECIALS.length;
const FIRST_WORD = FIRST_BYTE + BYTES.length;

/** A run of letters, marks, digits and underscores; one Han character; or any one other character. */
const PIECE = / ?(?:[[\p{L}\p{M}\p{N}_]--\p{sc=Han}]+|[^\s])/gv;

/** What the tokenizer keeps of a text: composed (NFC), lower case, one space for any run of spaces, none around. */
export function normalizeText(text: string): string {
  return text.toWellFormed().normalize("NFC").toLowerCase().replace(/\s+/g, " ")
    .trim();
}

/** The pieces of a text; joined, they give it back with one space in front. */
function pieces(text: string): string[] {
  const normal = normalizeText(text);
  return normal === "" ? [] : ` ${normal}`.match(PIECE)!;
}

/** The tokenizer whose words are those of the given texts. The order of the texts does not matter. */
export function buildTokenizer(texts: Iterable<string>): Tokenizer {
  const words = new Set<string>();
  for (const text of texts) for (const piece of pieces(text)) words.add(piece);
  return fromWords([...words].sort());
}

function fromWords(words: string[]): Tokenizer {
  const tokens = [...SPECIALS, ...BYTES, ...words];
  const ids = new Map(words.map((word, index) => [word, FIRST_WORD + index]));
  const bytes = tokens.map((token, id) => {
    if (id === 1) return [...new TextEncoder().encode("\uFFFD")];
    if (id < FIRST_BYTE) return [];
    return id < FIRST_WORD ? [id - FIRST_BYTE] : [...new TextEncoder().encode(token)];
  });
  return {
    vocabularySize: tokens.length,
    pad: 0,
    unk: 1,
    bos: 2,
    eos: 3,
    tokens,
    encode: (text) =>
      pieces(text).flatMap((piece) => {
        const id = ids.get(piece);
        return id !== undefined ? [id] : Array.from(
          new TextEncoder().encode(piece),
          (byte) => FIRST_BYTE + byte,
        );
      }),
    decode(sequence) {
      const joined = Array.from(sequence).flatMap((id) => {
        if (bytes[id] === undefined) {
          throw new RangeError(
            `Cannot decode token ${id}: the vocabulary has ${tokens.length}`,
          );
        }
        return bytes[id];
      });
      // A byte order mark is text like any other here.
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        Uint8Array.from(joined),
      );
      return text.startsWith(" ") ? text.slice(1) : text;
    },
  };
}
