/** The tokenizer of a model in Hugging Face's layout: `tokenizer.json` and `tokenizer_config.json`. */
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { oneLine, quoted } from "./one_line.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Text to ids and back, as a model's own tokenizer does it. */
export interface HfTokenizer extends Omit<Tokenizer, "tokens" | "pad" | "unk" | "bos" | "eos"> {
  /** Ids of the special tokens that the model names; null for the others. */
  pad: number | null;
  unk: number | null;
  bos: number | null;
  eos: number | null;
  /** Ids of a text that begins a sequence, with the special tokens that the model puts around it. */
  encodePrompt(text: string): number[];
  /** Whether an id is a token's. */
  has(id: number): boolean;
}

/**
 * Makes a tokenizer from the content of its files.
 *
 * @param tokenizerJson the content of `tokenizer.json`
 * @param configJson the content of `tokenizer_config.json`
 * @throws {TypeError} If the files describe no tokenizer
 */
export function hfTokenizer(
  tokenizerJson: Record<string, unknown>,
  configJson: Record<string, unknown> = {},
): HfTokenizer {
  let library: Library;
  let size: number;
  try {
    checkIds(tokenizerJson);
    library = new Library(tokenizerJson, configJson);
    size = sizeOf(library.get_vocab());
    // A normaliser or decoder that is none shows itself only when it is used.
    library.decode(library.encode("A word, 2!").ids.concat(0));
  } catch (cause) {
    throw new TypeError(`Cannot read tokenizer: ${oneLine(cause)}`, { cause });
  }
  const idOf = (field: string): number | null => {
    const token = configJson[field];
    const text = typeof token === "string" ? token : (token as { content?: string })?.content;
    return (text === undefined ? undefined : library.token_to_id(text)) ?? null;
  };
  const bos = idOf("bos_token");
  const special = [idOf("pad_token"), bos, idOf("eos_token")];
  const has = (id: number) => library.id_to_token(id) !== undefined;
  return {
    vocabularySize: size,
    pad: special[0],
    unk: idOf("unk_token"),
    bos,
    eos: special[2],
    encode: (text) => library.encode(text, { add_special_tokens: false }).ids,
    encodePrompt(text) {
      const ids = library.encode(text).ids;
      // Hugging Face's Llama tokenizers go by this flag, whatever tokenizer.json says.
      const begins = configJson.add_bos_token !== true || bos === null || ids[0] === bos;
      return begins ? ids : [bos, ...ids];
    },
    has,
    decode(sequence) {
      const ids = [...sequence];
      for (const id of ids) {
        if (!has(id)) {
          throw new RangeError(`Cannot decode token ${id}: the vocabulary has ${size}`);
        }
      }
      const text = ids.filter((id) => !special.includes(id));
      // The library refuses an empty list.
      return text.length === 0 ? "" : library.decode(text, { skip_special_tokens: true });
    },
  };
}

/** No vocabulary comes near, and the library makes a list as long as the largest id. */
const MOST_IDS = 2 ** 24;

/** Ids become rows of an embedding, so nothing else may stand in their place. */
function checkIds({ model, added_tokens: added }: Record<string, unknown>): void {
  const { vocab } = (model ?? {}) as { vocab?: unknown };
  // A list has scores, and its places are the ids.
  const listed = typeof vocab === "object" && vocab !== null && !Array.isArray(vocab)
    ? Object.entries(vocab)
    : [];
  const special = (Array.isArray(added) ? added : [])
    .map((token): [unknown, unknown] => [token?.content, token?.id]);
  for (const [token, id] of [...listed, ...special]) {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= MOST_IDS) {
      throw new TypeError(
        `token ${quoted(token)} has id ${quoted(id)}, no whole number below ${MOST_IDS}`,
      );
    }
  }
}

/** One more than the largest id. */
function sizeOf(vocabulary: ReadonlyMap<unknown, number>): number {
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  if (size === 0) throw new TypeError("it has no token");
  return size;
}
