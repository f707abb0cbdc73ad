import assert from "node:assert/strict";
import fc from "fast-check";
import { buildTokenizer, normalizeText } from "./tokenizer.ts";

const texts = [
  "What shape is present?",
  "is there a teal shape?",
  "yes",
  "X-ray",
  "3.5 cm",
  "what's this?",
];
const tokenizer = buildTokenizer(texts);
const FIRST_BYTE = 4;

Deno.test("a known question takes one token a word and one a mark", () => {
  const ids = tokenizer.encode("what shape is present?");
  assert.deepEqual(ids.map((id) => tokenizer.tokens[id]), [
    " what",
    " shape",
    " is",
    " present",
    "?",
  ]);
  assert.equal(tokenizer.decode(ids), "what shape is present?");
});

Deno.test("an unseen word becomes its UTF-8 bytes and comes back", () => {
  const ids = tokenizer.encode("is there a späh?");
  const bytes = [...new TextEncoder().encode(" späh")].map((byte) => FIRST_BYTE + byte);
  assert.deepEqual(ids.slice(3, -1), bytes);
  assert.equal(tokenizer.decode(ids), "is there a späh?");
  assert.equal(tokenizer.tokens[bytes[0]], "<0x20>");
});

Deno.test("spaces around marks survive, so answers are compared as they are written", () => {
  for (
    const text of ["x-ray", "3.5 cm", "what's this?", "a , b", "(left) lung"]
  ) {
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
});

Deno.test("decode undoes encode on any text, up to normalisation", () => {
  const any = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    // Lone surrogates too, mixed with known words and with the names of special tokens.
    fc.array(
      fc.constantFrom(
        "what",
        " ",
        "shape",
        "?",
        "<pad>",
        "<0x41>",
        "\ud800",
        "\udc00",
        "肺",
        "é",
        "e\u0301",
        "\ufeff",
        "\u00a0",
        "İ",
        "ΑΣ",
      ),
    ).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(any, (text) => {
      const ids = tokenizer.encode(text);
      assert.equal(tokenizer.decode(ids), normalizeText(text));
      for (const id of ids) {
        assert.ok(id >= FIRST_BYTE && id < tokenizer.vocabularySize);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a text made from training words needs no bytes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...texts), { minLength: 1 }),
      (parts) => {
        for (const id of tokenizer.encode(parts.join(" "))) {
          assert.ok(
            id >= FIRST_BYTE + 256,
          );
        }
      },
    ),
  );
});

Deno.test("each Han character is a token of its own", () => {
  const chinese = buildTokenizer(["肺在哪里?"]);
  assert.equal(chinese.encode("肺在哪里?").length, 5);
  assert.equal(chinese.decode(chinese.encode("哪里 肺")), "哪里 肺");
});

Deno.test("specials decode to nothing, the unknown token and broken UTF-8 to the replacement character", () => {
  const { bos, eos, pad, unk, decode, encode } = tokenizer;
  assert.equal(decode([bos, ...encode("yes"), eos, pad]), "yes");
  assert.equal(decode([unk]), "\ufffd");
  assert.equal(decode([FIRST_BYTE + 0xff]), "\ufffd");
  assert.equal(decode([]), "");
  assert.deepEqual(encode("  \n"), []);
  assert.throws(() => decode([tokenizer.vocabularySize]), RangeError);
});

Deno.test("the vocabulary is specials, bytes and the distinct words, whatever the order of the texts", () => {
  assert.deepEqual(tokenizer.tokens.slice(0, 5), [
    "<pad>",
    "<unk>",
    "<bos>",
    "<eos>",
    "<0x00>",
  ]);
  assert.equal(tokenizer.tokens[FIRST_BYTE + 255], "<0xff>");
  assert.deepEqual(buildTokenizer(texts.toReversed()).tokens, tokenizer.tokens);
  assert.equal(new Set(tokenizer.tokens).size, tokenizer.vocabularySize);
});
