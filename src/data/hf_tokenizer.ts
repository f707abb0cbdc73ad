/** The tokenizer of a model in Hugging Face's layout: `tokenizer.json` and `tokenizer_config.json`. */
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { oneLine, quoted } from "./one_line.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Text to ids and back, as a model's own tokenizer does it. */
export interface HfTokenizer
  extends Omit<Tokenizer, "toJSON" | "tokens" | "pad" | "unk" | "bos" | "eos"> {
  /** Ids of the special tokens that the model names; null for the others. */
  pad: number | null;
  unk: number | null;
  bos: number | null;
  eos: number | null;
  /** Ids of a text that begins a sequence, with the special tokens that the model puts around it. */
  encodePrompt(text: string): number[];
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
    library = new Library(tokenizerJson, configJson);
    size = vocabularySize(library.get_vocab());
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
    decode(sequence) {
      const ids = [...sequence];
      for (const id of ids) {
        if (library.id_to_token(id) === undefined) {
          throw new RangeError(`Cannot decode token ${id}: the vocabulary has ${size}`);
        }
      }
      const text = ids.filter((id) => !special.includes(id));
      // The library refuses an empty list.
      return text.length === 0 ? "" : library.decode(text, { skip_special_tokens: true });
    },
  };
}

/** One more than the largest id. Ids become rows of an embedding, so nothing else may stand there. */
function vocabularySize(vocabulary: ReadonlyMap<string, unknown>): number {
  let size = 0;
  for (const [token, id] of vocabulary) {
    if (!Number.isSafeInteger(id) || (id as number) < 0) {
      throw new TypeError(`token ${quoted(token)} has id ${quoted(id)}, no whole number`);
    }
    size = Math.max(size, 1 + (id as number));
  }
  if (size === 0) throw new TypeError("it has no token");
  return size;
}
