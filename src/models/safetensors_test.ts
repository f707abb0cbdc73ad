import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseSafetensors,
  parseSafetensorsHeader,
  parseSafetensorsMetadata,
  safetensorsHeaderEnd,
  type Tensor,
  tensorOf,
  toFloat32,
  writeSafetensors,
} from "./safetensors.ts";

/** A file with this header (as JSON text or value) and this many bytes of data. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (shape: number[], ...values: number[]): Tensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

/** Any tensor of any element type, empty and scalar ones included. */
const anyTensor: fc.Arbitrary<Tensor> = fc.array(fc.nat(3), { maxLength: 3 })
  .chain((shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const exactly = { minLength: size, maxLength: size };
    const of = <D extends Tensor["dtype"]>(
      dtype: D,
      data: fc.Arbitrary<Tensor["data"]>,
    ) => data.map((data) => ({ dtype, shape, data }) as Tensor);
    return fc.oneof(
      of("F64", fc.float64Array(exactly)),
      of("F32", fc.float32Array(exactly)),
      of(
        "F16",
        fc.float32Array(exactly).map((data) => Float16Array.from(data)),
      ),
      of("BF16", fc.uint16Array(exactly)),
      of("I64", fc.bigInt64Array(exactly)),
      of("I32", fc.int32Array(exactly)),
      of("I16", fc.int16Array(exactly)),
      of("I8", fc.int8Array(exactly)),
      of("U64", fc.bigUint64Array(exactly)),
      of("U32", fc.uint32Array(exactly)),
      of("U16", fc.uint16Array(exactly)),
      of("U8", fc.uint8Array(exactly)),
      of("BOOL", fc.uint8Array({ ...exactly, max: 1 })),
    );
  });

Deno.test("any tensors come back as they were written", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "constructor"),
  );
  fc.assert(fc.property(fc.array(fc.tuple(name, anyTensor)), (pairs) => {
    const tensors = new Map(pairs);
    tensors.delete("__metadata__");
    const read = parseSafetensors(writeSafetensors(tensors));
    assert.deepEqual([...read].sort(byName), [...tensors].sort(byName));
  }));
});

const byName = ([a]: [string, Tensor], [b]: [string, Tensor]) => a < b ? -1 : Number(a > b);

Deno.test("the order of the tensors does not change the file", () => {
  const pairs: [string, Tensor][] = [
    ["b", f32([2], 1, 2)],
    ["a", f32([], 3)],
    ["c", { dtype: "F64", shape: [1], data: Float64Array.of(4) }],
    ["d", { dtype: "U8", shape: [3], data: Uint8Array.of(5, 6, 7) }],
  ];
  const bytes = writeSafetensors(pairs, { b: "2", a: "1" });
  assert.deepEqual(
    writeSafetensors(pairs.toReversed(), { a: "1", b: "2" }),
    bytes,
  );
  assert.deepEqual([...parseSafetensors(bytes).keys()], ["c", "a", "b", "d"]);
});

Deno.test("a written tensor is aligned to its element size, the data to 8 bytes", () => {
  const bytes = writeSafetensors([
    ["odd", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ["wide", { dtype: "F64", shape: [1], data: Float64Array.of(4) }],
    ["half", { dtype: "F16", shape: [1], data: Float16Array.of(5) }],
  ]);
  const headerBytes = new DataView(bytes.buffer).getBigUint64(0, true);
  assert.equal(headerBytes % 8n, 0n);
  for (const [name, { data }] of parseSafetensors(bytes)) {
    assert.equal(
      data.buffer,
      bytes.buffer,
      `${name} is a view, which needs alignment`,
    );
  }
});

Deno.test("a file at an odd address is read", () => {
  const bytes = writeSafetensors([["x", f32([2, 1], 1.5, -2)]]);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(
    parseSafetensors(shifted.subarray(1)).get("x"),
    f32([2, 1], 1.5, -2),
  );
});

Deno.test("metadata comes back and is no tensor", () => {
  const bytes = writeSafetensors([["x", f32([], 1)]], { format: "pt" });
  assert.deepEqual(parseSafetensorsMetadata(bytes), { format: "pt" });
  assert.deepEqual([...parseSafetensors(bytes).keys()], ["x"]);
  assert.deepEqual(parseSafetensorsMetadata(writeSafetensors([])), {});
});

Deno.test("half-width floats are widened", () => {
  const bf16: Tensor = {
    dtype: "BF16",
    shape: [2],
    data: Uint16Array.of(0x3fc0, 0xc000),
  };
  assert.deepEqual(toFloat32(bf16), Float32Array.of(1.5, -2));
  const f16: Tensor = { dtype: "F16", shape: [1], data: Float16Array.of(0.25) };
  assert.deepEqual(toFloat32(f16), Float32Array.of(0.25));
  assert.throws(
    () => toFloat32({ dtype: "I32", shape: [1], data: Int32Array.of(1) }),
    TypeError,
  );
});

const entry = (over: Record<string, unknown>) => ({
  dtype: "F32",
  shape: [2],
  data_offsets: [0, 8],
  ...over,
});

const BAD: [string, Uint8Array, new () => Error, RegExp][] = [
  ["a file of 7 bytes", new Uint8Array(7), RangeError, /has 7 bytes/],
  [
    "a header longer than the file",
    file({}, 0).fill(0xff, 0, 8),
    RangeError,
    /header says it has 1844/,
  ],
  [
    "a header that is no JSON",
    file("{oops", 0),
    SyntaxError,
    /header is no JSON/,
  ],
  [
    "a header that is no UTF-8",
    file("{}", 0).fill(0xff, 8),
    SyntaxError,
    /header is no JSON/,
  ],
  ["a header that is an array", file([], 0), SyntaxError, /no JSON object/],
  [
    "an entry that is no object",
    file({ w: 3 }, 0),
    TypeError,
    /"w".*no object/,
  ],
  [
    "an unknown element type",
    file({ w: entry({ dtype: "F12" }) }, 8),
    TypeError,
    /"w".*"F12"/,
  ],
  [
    "an inherited name as type",
    file({ w: entry({ dtype: "toString" }) }, 8),
    TypeError,
    /"w".*toString/,
  ],
  [
    "a missing type",
    file({ w: entry({ dtype: undefined }) }, 8),
    TypeError,
    /"w".*type undefined/,
  ],
  [
    "a negative size",
    file({ w: entry({ shape: [-2] }) }, 8),
    TypeError,
    /"w".*\[-2\]/,
  ],
  [
    "a fractional size",
    file({ w: entry({ shape: [0.5] }) }, 8),
    TypeError,
    /"w".*\[0.5\]/,
  ],
  [
    "offsets that are no pair",
    file({ w: entry({ data_offsets: [0] }) }, 8),
    TypeError,
    /"w".*\[0\]/,
  ],
  [
    "offsets behind the file",
    file({ w: entry({}) }, 4),
    RangeError,
    /"w".*\[0, 8\].*4 bytes/,
  ],
  [
    "offsets that run back",
    file({ w: entry({ data_offsets: [8, 0] }) }, 8),
    RangeError,
    /"w".*\[8, 0\]/,
  ],
  [
    "a shape too large for its bytes",
    file({ w: entry({ shape: [3] }) }, 8),
    RangeError,
    /"w".*12 bytes.*8/,
  ],
  [
    "overlapping tensors",
    file({ a: entry({}), b: entry({ data_offsets: [4, 12] }) }, 12),
    RangeError,
    /"b".*byte 4, inside tensor "a"/,
  ],
  [
    "a gap before a tensor",
    file({ b: entry({ data_offsets: [4, 12] }) }, 12),
    RangeError,
    /"b".*4 bytes/,
  ],
  [
    "bytes that belong to no tensor",
    file({ b: entry({}) }, 9),
    RangeError,
    /last 1 bytes/,
  ],
];

for (const [what, bytes, type, message] of BAD) {
  Deno.test(`${what} is refused`, () => {
    assert.throws(() => parseSafetensors(bytes), (error: Error) => {
      assert.ok(error instanceof type, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("a tensor that disagrees with its shape or type is not written", () => {
  assert.throws(
    () => writeSafetensors([["w", f32([3], 1, 2)]]),
    /"w".*\[3\].*2 elements/,
  );
  const wrong = {
    dtype: "F64",
    shape: [1],
    data: Float32Array.of(1),
  } as unknown as Tensor;
  assert.throws(
    () => writeSafetensors([["w", wrong]]),
    /"w": F64 is held by Float64Array/,
  );
  assert.throws(
    () => writeSafetensors([["__metadata__", f32([], 1)]]),
    /reserved/,
  );
});

Deno.test("a header alone says where the tensors lie", () => {
  const bytes = writeSafetensors([["x", f32([2], 1, 2)], [
    "half",
    { dtype: "F16", shape: [1], data: Float16Array.of(5) },
  ]]);
  const headerEnd = safetensorsHeaderEnd(bytes.subarray(0, 8), bytes.length);
  const places = parseSafetensorsHeader(bytes.subarray(0, headerEnd), bytes.length);
  assert.deepEqual(
    places.map(({ name, begin, end }) => [name, begin - headerEnd, end - headerEnd]),
    [
      ["x", 0, 8],
      ["half", 8, 10],
    ],
  );
  for (const place of places) {
    const read = tensorOf(place, bytes.subarray(place.begin, place.end));
    assert.deepEqual(read, parseSafetensors(bytes).get(place.name));
  }
  assert.throws(
    () => parseSafetensorsHeader(bytes.subarray(0, headerEnd), bytes.length - 1),
    /"half"/,
  );
});

Deno.test("a header of more than 100 MB is refused before it is read", () => {
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigUint64(0, 100_000_001n, true);
  assert.throws(() => safetensorsHeaderEnd(start, 1e12), /format allows 100000000/);
});

/** Refused as damaged input, by an error that says so; anything else is a fault of the reader. */
function refusesOrReads(bytes: Uint8Array): void {
  try {
    for (const { dtype, shape, data } of parseSafetensors(bytes).values()) {
      assert.equal(data.length, shape.reduce((product, size) => product * size, 1), dtype);
    }
  } catch (error) {
    assert.ok(error instanceof Error && /^Cannot read /.test(error.message), `${error}`);
    assert.ok(
      [TypeError, RangeError, SyntaxError].some((type) => error instanceof type),
      `${error}`,
    );
  }
}

Deno.test("a tensor or field that stands twice is refused, which the format forbids", () => {
  const header = '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},' +
    '"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}';
  for (
    const [text, key] of [[header, "a"], [
      header.replace('"a"', '"b"').replace('"shape":[1]', '"dtype":"I8"'),
      "dtype",
    ]]
  ) {
    assert.throws(() => parseSafetensors(file(text, 1)), {
      name: "SyntaxError",
      message: `Cannot read safetensors: the header is no JSON: key "${key}" is there twice`,
    });
  }
});

Deno.test("a header of any JSON is read or refused by name", () => {
  const number = fc.oneof(
    fc.nat(16),
    fc.constantFrom(-1, 0.5, 2 ** 53, 1e308, 2 ** 32, 2 ** 31),
    fc.jsonValue(),
  );
  const entryOf = fc.record({
    dtype: fc.oneof(fc.constantFrom("F32", "U8", "BF16", "toString", "f32"), fc.jsonValue()),
    shape: fc.oneof(fc.array(number, { maxLength: 4 }), fc.jsonValue()),
    data_offsets: fc.oneof(fc.tuple(number, number), fc.jsonValue()),
  }, { requiredKeys: [] });
  const header = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom("__proto__", "__metadata__", "weight")),
    fc.oneof(entryOf, fc.jsonValue()),
  );
  fc.assert(
    fc.property(fc.oneof(header, fc.jsonValue()), fc.nat(64), (header, dataBytes) => {
      refusesOrReads(file(JSON.stringify(header), dataBytes));
    }),
    { numRuns: 500 },
  );
});
