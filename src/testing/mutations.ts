/**
 * Inputs for fuzz tests: a valid file with something wrong in it. Random bytes alone are refused at the
 * first of them; a file that is nearly right gets as far as the reader's own assumptions.
 *
 * The idea is that of AFL's and libFuzzer's mutators (https://llvm.org/docs/LibFuzzer.html), with
 * fast-check drawing the edits, so that a failure shrinks to the few that matter.
 */
import fc from "fast-check";

/** Lengths, offsets and counts that readers trust too easily. */
const NUMBERS = [0, 1, 8, 255, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** A file with bytes changed, numbers overwritten, a part cut out or something added. */
export function mutatedBytes(valid: Uint8Array): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const at = fc.nat(valid.length);
  const edit = fc.oneof(
    fc.record({ kind: fc.constant("byte" as const), at, value: fc.nat(255) }),
    fc.record({ kind: fc.constant("number" as const), at, value: fc.constantFrom(...NUMBERS) }),
    fc.record({ kind: fc.constant("big number" as const), at, value: fc.constantFrom(...NUMBERS) }),
    fc.record({ kind: fc.constant("cut" as const), at, value: fc.nat(64) }),
    fc.record({ kind: fc.constant("end" as const), at, value: fc.constant(0) }),
    fc.record({ kind: fc.constant("repeat" as const), at, value: fc.nat(64) }),
  );
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    let bytes = valid.slice();
    for (const { kind, at, value } of edits) {
      const begin = Math.min(at, bytes.length);
      if (kind === "byte" && begin < bytes.length) bytes[begin] = value;
      if (kind === "number" || kind === "big number") {
        if (begin + 4 > bytes.length) continue;
        new DataView(bytes.buffer).setUint32(begin, value, kind === "number");
      }
      if (kind === "cut") bytes = joined(bytes.subarray(0, begin), bytes.subarray(begin + value));
      if (kind === "end") bytes = bytes.slice(0, begin);
      if (kind === "repeat") bytes = joined(bytes.subarray(0, begin + value), bytes.slice(begin));
    }
    return bytes;
  });
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** A JSON value whose objects may have a key twice and whose values may be any text. */
type Node = { members: [key: string, value: Node][] } | { items: Node[] } | string;

/** JSON texts of values that no field expects, or that only look like what it expects. */
const VALUES = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "0.5",
  "1e308",
  "1e999",
  "9007199254740993",
  "123456789012345678901234567890",
  '""',
  '" "',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u001b[2J\\n\\u202e"',
  '"../../../../etc/passwd"',
  '"/etc/passwd"',
  '"a/../../b"',
  '"C:\\\\x"',
  '"__proto__"',
  '"constructor"',
  `"${"long ".repeat(2000)}"`,
  "[]",
  "{}",
  "[[]]",
  "[null]",
  '{"__proto__":{"polluted":true}}',
  '{"toString":1,"length":-1}',
  '{"length":4294967296}',
  "[".repeat(50) + "]".repeat(50),
  "[".repeat(5000) + "]".repeat(5000),
  '{"a":'.repeat(5000) + "1" + "}".repeat(5000),
  "NaN",
  "",
];

const KEYS = ["__proto__", "constructor", "toString", "length", "", "\n", "then", "\u{1f600}"];

/** The text of a JSON file with values replaced and keys dropped, renamed, doubled or added. */
export function mutatedJson(valid: unknown): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom("replace", "replace", "drop", "double", "rename", "add", "swap"),
    value: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
      fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
    ),
    key: fc.constantFrom(...KEYS),
  });
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    let root = toNode(valid);
    for (const { at, kind, value, key } of edits) {
      const places = placesOf(root);
      // The root itself is one place more.
      const place = places[at % (places.length + 1)];
      if (place === undefined) root = value;
      else change(place, kind, value, key, places[(at >> 8) % places.length]);
    }
    return toText(root);
  });
}

function toNode(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(toNode) };
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return { members: Object.entries(value).map(([key, value]) => [key, toNode(value)]) };
}

function toText(node: Node): string {
  if (typeof node === "string") return node;
  if ("items" in node) return `[${node.items.map(toText)}]`;
  return `{${node.members.map(([key, value]) => `${JSON.stringify(key)}:${toText(value)}`)}}`;
}

/** Where a value stands: in which list or object, and at which place of it. */
interface Place {
  parent: Exclude<Node, string>;
  index: number;
}

function placesOf(node: Node): Place[] {
  if (typeof node === "string") return [];
  const values = "items" in node ? node.items : node.members.map(([, value]) => value);
  return values.flatMap((value, index) => [{ parent: node, index }, ...placesOf(value)]);
}

function change({ parent, index }: Place, kind: string, value: string, key: string, other: Place) {
  const list: unknown[] = "items" in parent ? parent.items : parent.members;
  // An edit before this one may have taken the place away.
  if (index >= list.length) return;
  if (kind === "drop") list.splice(index, 1);
  else if (kind === "double") list.splice(index, 0, list[index]);
  else if ("items" in parent) {
    if (kind === "add") parent.items.push(value);
    else parent.items[index] = kind === "swap" ? toText(valueAt(other)) : value;
  } else if (kind === "rename") parent.members[index][0] = key;
  else if (kind === "add") parent.members.push([key, value]);
  else {
    const [name] = parent.members[index];
    parent.members[index] = [name, kind === "swap" ? toText(valueAt(other)) : value];
  }
}

function valueAt({ parent, index }: Place): Node {
  return ("items" in parent ? parent.items[index] : parent.members[index]?.[1]) ?? "null";
}
