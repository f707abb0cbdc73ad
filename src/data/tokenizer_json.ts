/**
 * The word-level tokenizer of `tokenizer.ts` in Hugging Face's layout, so that other programs read a
 * model of this project as they read any other.
 *
 * A piece that is a word takes the word's id, any other its UTF-8 bytes: that is byte pair encoding
 * without merges (`ignore_merges`, `byte_fallback`). But then the characters of an unknown piece are
 * looked up too, and a word of one character would be found inside it. So the normaliser puts a line
 * feed behind every piece that could be such a word. Text has none at that point, since white space
 * has become single spaces, and in the vocabulary words of one character end in one.
 *
 * The special tokens are no `added_tokens`, because those are found inside texts: a question that
 * spells "<eos>" stays a text.
 *
 * Ids are equal for every text in `@huggingface/tokenizers`. The Rust library of the same format
 * differs in three ways that are known: it writes a Greek sigma at a word's end as another in lower
 * case; U+0085 is white space to it and U+FEFF is not, where JavaScript has it the other way round; and
 * a capital that is new in Unicode stays one where its tables, or JavaScript's, are older.
 */
import type { Tokenizer } from "./tokenizer.ts";

/** The two files. */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  tokenizer: Record<string, unknown>;
  /** `tokenizer_config.json`. */
  config: Record<string, unknown>;
}

/** A letter, mark, digit or underscore that is no Han character: one of a run. */
const RUN = String.raw`(?!\p{Han})[\p{L}\p{M}\p{N}_]`;
const IN_RUN = /^(?!\p{sc=Han})[\p{L}\p{M}\p{N}_]$/u;
const MARK = "\n";

/** Writes a tokenizer in Hugging Face's layout. */
export function tokenizerFiles({ tokens, pad, unk, bos, eos }: Tokenizer): TokenizerFiles {
  const single = tokens.filter((token) => isSingle(token));
  const special = { pad_token: tokens[pad], bos_token: tokens[bos], eos_token: tokens[eos] };
  const vocabulary = tokens.map((token, id): [string, number] => [
    // Byte tokens are upper case in this layout.
    isSingle(token) ? token + MARK : token.replace(/^<0x(..)>$/, (byte) => upperByte(byte)),
    id,
  ]);
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: {
        type: "Sequence",
        normalizers: [
          // Half a surrogate pair is no character.
          replaceAll(String.raw`\p{Cs}`, "\uFFFD"),
          { type: "NFC" },
          { type: "Lowercase" },
          replaceAll(String.raw`\s+`, " "),
          { type: "Strip", strip_left: true, strip_right: true },
          { type: "Prepend", prepend: " " },
          ...marking(single),
        ],
      },
      pre_tokenizer: {
        type: "Split",
        pattern: { Regex: ` ?(?:(?:${RUN})+|\\S)${MARK}?` },
        behavior: "Removed",
        invert: true,
      },
      post_processor: null,
      decoder: {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: MARK }, content: "" },
          { type: "Replace", pattern: { String: tokens[unk] }, content: "\uFFFD" },
          { type: "ByteFallback" },
          { type: "Fuse" },
          { type: "Strip", content: " ", start: 1, stop: 0 },
        ],
      },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: tokens[unk],
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: true,
        ignore_merges: true,
        vocab: Object.fromEntries(vocabulary),
        merges: [],
      },
    },
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      ...special,
      unk_token: tokens[unk],
      additional_special_tokens: Object.values(special),
      add_bos_token: false,
      add_eos_token: false,
      clean_up_tokenization_spaces: false,
    },
  };
}

/** Whether a word is one character without a space before it. */
const isSingle = (token: string) => [...token].length === 1;

const upperByte = (token: string) => `<0x${token.slice(3, 5).toUpperCase()}>`;

const replaceAll = (pattern: string, content: string) => ({
  type: "Replace",
  pattern: { Regex: pattern },
  content,
});

/** Puts the mark behind pieces that are one of these characters without a space before it. */
function marking(characters: string[]): unknown[] {
  const [inRun, alone] = [true, false].map((wanted) =>
    characters.filter((character) => IN_RUN.test(character) === wanted)
  );
  const rules: unknown[] = [];
  // A character of its own begins a piece wherever no space stands before it.
  if (alone.length > 0) rules.push(replaceAll(`(?<=[^ ]${oneOf(alone)})`, MARK));
  // One of a run is a piece where the run is no longer than it.
  if (inRun.length > 0) {
    const before = String.raw`(?:\p{Han}|[^\p{L}\p{M}\p{N}_ ])`;
    rules.push(replaceAll(`(?<=${before}${oneOf(inRun)})(?!${RUN})`, MARK));
  }
  return rules;
}

const oneOf = (characters: string[]) =>
  `[${characters.map((character) => character.replace(/[[\]\\^&~-]/, "\\$&")).join("")}]`;
