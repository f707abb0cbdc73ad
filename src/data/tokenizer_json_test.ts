/** Against the library that reads such files. */
import assert from "node:assert/strict";
import { Tokenizer as Library } from "@huggingface/tokenizers";
import fc from "fast-check";
import { hfTokenizer } from "./hf_tokenizer.ts";
import { buildTokenizer, normalizeText } from "./tokenizer.ts";
import { tokenizerFiles } from "./tokenizer_json.ts";

const own = buildTokenizer([
  "What shape is present?",
  "x-ray of a 3.5 cm mass",
  "what's this (a [b] ^c\\d-e & f~g #1)?",
  "肺在哪里? left肺 7b",
  "naïve Ångström ﬁ ΑΣ İ",
  "s e i 3 5 _ _a",
  "\ufffd",
]);
const { tokenizer, config } = tokenizerFiles(own);
const library = new Library(tokenizer, config);
const theirs = hfTokenizer(tokenizer, config);

function assertSame(text: string) {
  assert.deepEqual(library.encode(text).ids, own.encode(text), JSON.stringify(text));
}

Deno.test("known words, unknown words and words of one character take the same ids", () => {
  for (
    const text of [
      "",
      " ",
      "What shape is present?",
      "is this x?",
      "x-ray: xs, sx, x's, ss-s",
      "a.s s.a ?s? s?s",
      "(unknownword) [b] ^c\\d",
      "肺s肺 s肺s 7肺7 肺_",
      "what's  this\n\tthen",
      "<eos> <pad> <bos><unk> <0x41> <0x0A>",
      "5é é5 e\u0301",
      "\ud800 a\udc00b \ufffd\ufffd",
      "\u0000\n\u0001 \ufeff \u00a0 \u2581what",
      "İ ΑΣ ΟΔΟΣ ǅ ﬁ",
    ]
  ) assertSame(text);
});

const character = fc.oneof(
  // What the vocabulary knows, and what rules of pieces turn on.
  fc.constantFrom(
    ..."sxe35_ab?.-'[]^\\&~#( \n肺在里é\u0301\u0307\u0345ςΣİﬁ\ufffd\ud83d\ude00\u3007\u2e80\u0000",
  ),
  fc.constantFrom(" what", "what", " s", "<eos>", "\ud800", "\udc00", "🐱", "\u3000", "x-ray"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);

Deno.test("any text takes the same ids and comes back alike", () => {
  const any = fc.oneof(
    fc.array(character, { maxLength: 12 }).map((parts) => parts.join("")),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(any, (text) => {
      assertSame(text);
      assert.equal(theirs.decode(theirs.encode(text)), normalizeText(text));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("special tokens keep their ids and leave no text", () => {
  const { pad, unk, bos, eos, vocabularySize } = theirs;
  assert.deepEqual([pad, unk, bos, eos], [own.pad, own.unk, own.bos, own.eos]);
  assert.equal(vocabularySize, own.vocabularySize);
  const ids = [own.bos, ...own.encode("left x-ray?"), own.eos, own.pad];
  assert.equal(theirs.decode(ids), "left x-ray?");
  assert.equal(library.decode(ids, { skip_special_tokens: true }), "left x-ray?");
  assert.equal(theirs.decode([own.unk]), own.decode([own.unk]));
});

Deno.test("a vocabulary without words of one character needs no rule for them", () => {
  const plain = buildTokenizer(["what shape"]);
  const { tokenizer, config } = tokenizerFiles(plain);
  const { encode } = hfTokenizer(tokenizer, config);
  for (const text of ["what shape", "s?", "x what"]) {
    assert.deepEqual(encode(text), plain.encode(text));
  }
});

Deno.test("the files are plain JSON", () => {
  const files = { tokenizer, config };
  assert.deepEqual(JSON.parse(JSON.stringify(files)), files);
});
