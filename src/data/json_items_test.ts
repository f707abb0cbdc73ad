import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonItems } from "./json_items.ts";

/** The bytes of a text, in chunks of a size. */
function stream(text: string, size = text.length + 1): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const chunks = Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, i) => bytes.slice(i * size, (i + 1) * size),
  );
  return ReadableStream.from(chunks);
}

const items = (text: string, field?: string, size?: number) =>
  Array.fromAsync(jsonItems(stream(text, size), field));

const entry = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue());

Deno.test("every object of a list comes out as JSON.parse has it, however the bytes are cut", async () => {
  const size = fc.integer({ min: 1, max: 9 }), indent = fc.constantFrom(0, 1, "\t");
  await fc.assert(
    fc.asyncProperty(fc.array(entry), size, indent, async (list, size, indent) => {
      const text = JSON.stringify(list, null, indent);
      assert.deepEqual(await items(text, undefined, size), JSON.parse(text));
    }),
    { numRuns: 40 },
  );
});

Deno.test("the list of a field is found among whatever else the file holds", async () => {
  const other = fc.dictionary(fc.string(), fc.jsonValue());
  const size = fc.integer({ min: 1, max: 9 });
  await fc.assert(
    fc.asyncProperty(fc.array(entry), other, other, size, async (list, before, after, size) => {
      delete before.questions;
      delete after.questions;
      const text = JSON.stringify({ ...before, questions: list, ...after });
      assert.deepEqual(await items(text, "questions", size), JSON.parse(text).questions);
    }),
    { numRuns: 40 },
  );
});

Deno.test("lists of the same name deeper down, and braces within strings, are not taken", async () => {
  const file = {
    info: { questions: [{ a: 1 }] },
    "x": "questions",
    other: [{ b: 2 }],
    questions: [{ text: '{"[\\"}', questions: [{ c: 3 }] }, {}],
  };
  assert.deepEqual(await items(JSON.stringify(file), "questions"), file.questions);
});

const refused: [what: string, text: string, field: string | undefined, error: RegExp][] = [
  ["an empty file", "", undefined, /^SyntaxError: is no JSON: /],
  ["a list that does not end", '[{"a": 1}, ', undefined, /^SyntaxError: is no JSON: /],
  ["an object that does not end", '[{"a": 1}, {"b": ', undefined, /^SyntaxError: is no JSON: /],
  [
    "an object that is no JSON",
    '[{"a": 1}, {"b": x}]',
    undefined,
    /^SyntaxError: entry 1 is no JSON: /,
  ],
  ["brackets that do not match", '[{"a": ]}', undefined, /^SyntaxError: entry 0 is no JSON: /],
  ["a comma too many", '[{"a": 1},, {}]', undefined, /^SyntaxError: is no JSON: /],
  ["no comma", '[{"a": 1} {}]', undefined, /^SyntaxError: is no JSON: /],
  ["text behind the list", "[{}] []", undefined, /^SyntaxError: is no JSON: /],
  ["an object for a list", '{"a": [{}]}', undefined, /^TypeError: is no list$/],
  ["a list for an object", "[{}]", "q", /^TypeError: is no object$/],
  ["a missing field", '{"p": [{}]}', "q", /^TypeError: has no field "q"$/],
  ["a field that is no list", '{"q": {"q": [{}]}}', "q", /^TypeError: field "q" is no list$/],
  ["an entry that is no object", '{"q": [{}, [{}]]}', "q", /^TypeError: entry 1 is no object$/],
  [
    "a field that stands twice",
    '{"q": [{}], "q": []}',
    "q",
    /^SyntaxError: is no JSON: key "q" is there twice$/,
  ],
];

for (const [what, text, field, error] of refused) {
  Deno.test(`a JSON list with ${what} is refused`, async () => {
    for (const size of [1, 5, 100]) {
      await assert.rejects(items(text, field, size), (thrown: Error) => {
        assert.match(String(thrown), error);
        assert.ok(!thrown.message.includes("\n"));
        return true;
      });
    }
  });
}
