import assert from "node:assert/strict";
import { join } from "node:path";
import { sharedPath } from "../testing/shared_folder.ts";
import { hfTokenizer } from "./hf_tokenizer.ts";

/** A tokenizer of four characters and three special tokens that puts <s> before a text. */
const SMALL = {
  version: "1.0",
  added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: { type: "Fuse" },
  model: {
    type: "BPE",
    unk_token: "<unk>",
    vocab: { "<unk>": 0, "<s>": 1, "</s>": 2, a: 3, b: 4, ab: 5 },
    merges: [["a", "b"]],
  },
};
const CONFIG = { bos_token: "<s>", eos_token: { content: "</s>" }, unk_token: "<unk>" };

Deno.test("a text becomes ids with and without what the model puts around it", () => {
  const tokenizer = hfTokenizer(SMALL, CONFIG);
  assert.deepEqual(tokenizer.encode("abba"), [5, 4, 3]);
  assert.deepEqual(tokenizer.encodePrompt("abba"), [1, 5, 4, 3]);
  assert.deepEqual(tokenizer.encode(""), []);
  const { pad, unk, bos, eos, vocabularySize } = tokenizer;
  assert.deepEqual([pad, unk, bos, eos, vocabularySize], [null, 0, 1, 2, 6]);
});

Deno.test("the flag add_bos_token counts where the template puts nothing", () => {
  const bare = { ...SMALL, post_processor: null };
  assert.deepEqual(hfTokenizer(bare, CONFIG).encodePrompt("ab"), [5]);
  const flagged = hfTokenizer(bare, { ...CONFIG, add_bos_token: true });
  assert.deepEqual(flagged.encodePrompt("ab"), [1, 5]);
  assert.deepEqual(flagged.encode("ab"), [5]);
  // Not twice.
  const both = hfTokenizer(SMALL, { ...CONFIG, add_bos_token: true });
  assert.deepEqual(both.encodePrompt("ab"), [1, 5]);
});

Deno.test("ids become text without special tokens, and an id outside the vocabulary is refused", () => {
  const tokenizer = hfTokenizer(SMALL, CONFIG);
  assert.equal(tokenizer.decode([1, 5, 4, 2]), "abb");
  assert.equal(tokenizer.decode([]), "");
  assert.equal(tokenizer.decode([1, 2]), "");
  assert.throws(() => tokenizer.decode([6]), /Cannot decode token 6: the vocabulary has 6/);
  assert.deepEqual([-1, 0, 5, 6].map((id) => tokenizer.has(id)), [false, true, true, false]);
});

Deno.test("what describes no tokenizer is refused", () => {
  for (const bad of [{}, { ...SMALL, model: { type: "Oracle" } }, { ...SMALL, model: null }]) {
    assert.throws(() => hfTokenizer(bad), {
      name: "TypeError",
      message: /^Cannot read tokenizer: /,
    });
  }
});

Deno.test("an id that is no row of an embedding is refused, and a vocabulary of any size is read", () => {
  for (const id of [-1, 0.5, "3", null, 2 ** 24]) {
    const model = { ...SMALL.model, vocab: { ...SMALL.model.vocab, ab: id } };
    assert.throws(() => hfTokenizer({ ...SMALL, model }), {
      name: "TypeError",
      message: `Cannot read tokenizer: token "ab" has id ${
        JSON.stringify(id)
      }, no whole number below 16777216`,
    });
  }
  const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`<${i}>`, 6 + i]));
  const model = { ...SMALL.model, vocab: { ...SMALL.model.vocab, ...many } };
  assert.equal(hfTokenizer({ ...SMALL, model }).vocabularySize, 300_006);
});

const shared = sharedPath("models/stories260K");
Deno.test({
  name: "the tokenizer of a real model gives the ids of its reference",
  ignore: shared === null,
  fn() {
    const read = (file: string) => JSON.parse(Deno.readTextFileSync(join(shared!, file)));
    const tokenizer = hfTokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
    const { tokenizer_cases: cases, greedy_from_bos: greedy } = read("EXPECTED.json");
    assert.ok(cases.length > 0);
    for (const { text, ids_with_bos: ids } of cases) {
      assert.deepEqual(tokenizer.encodePrompt(text), ids, text);
      assert.deepEqual(tokenizer.encode(text), ids.slice(1), text);
    }
    assert.equal(tokenizer.decode([...greedy.prompt_ids, ...greedy.new_ids]), greedy.new_text);
  },
});
