/** The table of `docs/study.md` against the layout of a study file. */
import assert from "node:assert/strict";
import { z } from "zod";
import { studySchema } from "./study.ts";

/** What a JSON schema says of a value, as far as the table does. */
interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  required?: string[];
  default?: unknown;
  enum?: string[];
}

/** A field by its path, and whether the object that it is of must have it. */
interface Field {
  path: string;
  needed?: boolean;
  schema: JsonSchema;
}

/** All fields below a value; lists add `[]` to the path, and none of several forms anything. */
function fieldsOf(schema: JsonSchema, path = ""): Field[] {
  const { properties = {}, items, anyOf = [], required = [] } = schema;
  const below = path && `${path}.`;
  return [
    ...Object.entries(properties).flatMap(([name, each]) => [
      { path: below + name, needed: required.includes(name), schema: each },
      ...fieldsOf(each, below + name),
    ]),
    ...(items ? [{ path: `${path}[]`, schema: items }, ...fieldsOf(items, `${path}[]`)] : []),
    ...anyOf.flatMap((each) => fieldsOf(each, path)),
  ];
}

const schema = z.toJSONSchema(studySchema, { io: "input" }) as JsonSchema;
// An entry that is an object is no line of its own; its fields are.
const fields = fieldsOf(schema).filter(({ path, schema }) =>
  !path.endsWith("[]") || !schema.properties
);

const text = await Deno.readTextFile(new URL("../../docs/study.md", import.meta.url));
const rows = text.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
);
const rowOf = new Map(rows.map(([path, ...row]) => [path.replaceAll("`", ""), row]));

Deno.test("docs/study.md has every field of a study once, in the schema's order, and no other", () => {
  const listed = rows.map(([path]) => path.replaceAll("`", ""));
  assert.deepEqual(listed, fields.map(({ path }) => path));
});

Deno.test("docs/study.md says which fields are needed, and the defaults of the schema", () => {
  for (const { path, needed, schema } of fields) {
    const [, byDefault] = rowOf.get(path)!;
    if (needed !== undefined && !path.startsWith("lora.")) {
      assert.equal(byDefault === "needed", needed, path);
    }
    if (schema.default === undefined || path === "lora") continue;
    const value = typeof schema.default === "string"
      ? schema.default
      : JSON.stringify(schema.default);
    assert.equal(byDefault, `\`${value}\``, path);
  }
  const { lora } = schema.properties!;
  for (const [name, value] of Object.entries(lora.default as Record<string, unknown>)) {
    const shown = typeof value === "number" ? `${value}` : `\`${JSON.stringify(value)}\``;
    assert.equal(rowOf.get(`lora.${name}`)![1], `${shown}; needed in a \`lora\``);
  }
});

Deno.test("docs/study.md names all values of a field that takes one of a few", () => {
  for (const { path, schema } of fields) {
    // What a claim can be about is a list of its own.
    if (!schema.enum || path === "analysis.claims[].statistic") continue;
    const named = [...rowOf.get(path)![0].matchAll(/`([^`]+)`/g)].map(([, value]) => value);
    // A refinement takes the decoder out of what is drawn.
    const drawn = path.endsWith("draw[]");
    assert.deepEqual(named, schema.enum.filter((value) => !(drawn && value === "decoder")), path);
  }
});
