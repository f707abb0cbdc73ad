import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Image } from "./dataset.ts";
import { decodeImage, resize } from "./image.ts";

function png(width: number, height: number, rgba: number[]): Uint8Array {
  const picture = new PNG({ width, height });
  picture.data = Buffer.from(rgba);
  return PNG.sync.write(picture);
}

Deno.test("a PNG is decoded, its transparency laid over white", () => {
  const bytes = png(2, 2, [
    10,
    20,
    30,
    255,
    10,
    20,
    30,
    0,
    0,
    0,
    0,
    51,
    255,
    0,
    0,
    128,
  ]);
  const image = decodeImage(bytes, "a.png");
  assert.deepEqual([image.width, image.height], [2, 2]);
  assert.deepEqual([...image.data], [
    10,
    20,
    30,
    255,
    255,
    255,
    204,
    204,
    204,
    255,
    127,
    127,
  ]);
});

Deno.test("a PNG that lies within a larger buffer is decoded", () => {
  const bytes = png(1, 1, [1, 2, 3, 255]);
  const larger = new Uint8Array(bytes.length + 9);
  larger.set(bytes, 5);
  assert.deepEqual([
    ...decodeImage(larger.subarray(5, 5 + bytes.length), "a.png").data,
  ], [1, 2, 3]);
});

Deno.test("a JPEG is decoded to about its colour, three bytes a pixel", () => {
  const data = Buffer.alloc(16 * 8 * 4, Uint8Array.of(200, 100, 50, 255));
  const image = decodeImage(
    jpeg.encode({ width: 16, height: 8, data }, 95).data,
    "a.jpg",
  );
  assert.deepEqual([image.width, image.height, image.data.length], [
    16,
    8,
    384,
  ]);
  for (const [i, want] of [200, 100, 50].entries()) {
    assert.ok(Math.abs(image.data[60 + i] - want) < 6);
  }
});

/**
 * Eight by eight pixels of one colour, stored as red, green and blue without loss, by Pillow:
 * `save(..., quality=100, optimize=True, keep_rgb=True)`. One line a segment.
 */
const RGB_JPEG = [
  "ffd8",
  "ffee000e41646f626500640000000000",
  `ffdb004300${"01".repeat(64)}`,
  "ffc00011080008000803521100471100421100",
  "ffc4001500010100000000000000000000000000000a08",
  "ffc40014100100000000000000000000000000000000",
  "ffda000c03520047004200003f0048087c63dfffd9",
];

Deno.test("a JPEG of red, green and blue is not taken for YCbCr, and no other for one of them", () => {
  const [start, adobe, ...rest] = RGB_JPEG;
  const jfif = "ffe000104a46494600010100000100010000";
  const otherTransform = adobe.replace(/00$/, "01");
  // Three components are named by their letters in the frame and in the scan.
  const numbered = rest.map((segment) =>
    segment.replace(/0352(.+)47(.+)42/, (_, r, g) => `0301${r}02${g}03`)
  );
  const rgb = [200, 100, 50];
  // The same numbers as Y, Cb and Cr (ITU-T T.871): 90.6, 265.3 and 150.4, which the library cuts off.
  const ycc = [90, 255, 150];
  const cases: [string, string[], number[]][] = [
    ["as Pillow wrote it", [adobe, ...rest], rgb],
    ["components 1, 2 and 3", [adobe, ...numbered], rgb],
    ["no marker, components R, G and B", rest, rgb],
    ["no marker, components 1, 2 and 3", numbered, ycc],
    ["a marker of YCbCr", [otherTransform, ...rest], ycc],
    ["a JFIF marker before", [jfif, adobe, ...rest], ycc],
    ["a JFIF marker behind", [adobe, jfif, ...rest], ycc],
  ];
  for (const [what, segments, color] of cases) {
    const image = decodeImage(Uint8Array.fromHex([start, ...segments].join("")), "a.jpg");
    assert.deepEqual([...image.data], Array(64).fill(color).flat(), what);
  }
});

Deno.test("what is no picture, cut off or far too large is refused in one line that names it", () => {
  const whole = png(9, 9, Array(9 * 9 * 4).fill(7));
  const huge = Uint8Array.from(whole);
  new DataView(huge.buffer).setUint32(16, 60000);
  new DataView(huge.buffer).setUint32(20, 60000);
  const cases: [Uint8Array, RegExp][] = [
    [
      new TextEncoder().encode("<html>not found</html>"),
      /^Cannot decode "x.png": it is neither PNG nor JPEG$/,
    ],
    [new Uint8Array(), /^Cannot decode "x.png": it is neither/],
    [
      whole.subarray(0, 12),
      /^Cannot decode "x.png": a damaged or unsupported file \(it ends within its header\)$/,
    ],
    [whole.subarray(0, whole.length - 20), /^Cannot decode "x.png": .+$/],
    [
      huge,
      /\(60000 x 60000 pixels are more than 64 million\)$/,
    ],
    [
      Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0),
      /^Cannot decode "x.png": .+$/,
    ],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => decodeImage(bytes, "x.png"), {
      name: "SyntaxError",
      message,
    });
  }
});

/** An interlaced PNG of black pixels, whose data inflate to so many bytes. */
function interlaced(width: number, height: number, inflated: number): Uint8Array {
  const plain = png(width, height, Array(width * height * 4).fill(0));
  const header = Buffer.from(plain.subarray(16, 29));
  header[12] = 1;
  const chunk = (name: string, content: Uint8Array) => {
    const bytes = Buffer.alloc(content.length + 12);
    bytes.writeUInt32BE(content.length);
    bytes.write(name, 4, "latin1");
    bytes.set(content, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8);
    return bytes;
  };
  return Uint8Array.from(Buffer.concat([
    plain.subarray(0, 8),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(inflated))),
    chunk("IEND", new Uint8Array()),
  ]));
}

Deno.test("an interlaced PNG is decoded, and one that inflates to more than its pixels is refused", () => {
  // Its seven passes have 15 rows, with a byte each beside the pixels.
  const image = decodeImage(interlaced(8, 8, 8 * 8 * 4 + 15), "a.png");
  assert.deepEqual([image.width, image.height, image.data.length], [8, 8, 192]);
  const bomb = interlaced(8, 8, 50e6);
  assert.ok(bomb.length < 100e3);
  assert.throws(() => decodeImage(bomb, "bomb.png"), {
    name: "SyntaxError",
    message:
      /^Cannot decode "bomb.png": a damaged or unsupported file \(.*larger than 624 bytes\)$/,
  });
});

Deno.test("a JPEG of more pixels, longer sides or more scans than there can be is refused", () => {
  const data = Buffer.alloc(16 * 8 * 4, 90);
  const whole = Uint8Array.from(jpeg.encode({ width: 16, height: 8, data }, 90).data);
  const frame = whole.findIndex((byte, i) => byte === 0xff && whole[i + 1] === 0xc0);
  const sized = (height: number, width: number) => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setUint16(frame + 5, height);
    new DataView(bytes.buffer).setUint16(frame + 7, width);
    return bytes;
  };
  const filled = Uint8Array.from([...whole.subarray(0, 2), 0xff, 0xff, ...whole.subarray(2)]);
  assert.equal(decodeImage(filled, "x.jpg").width, 16);
  const scan = whole.findIndex((byte, i) => byte === 0xff && whole[i + 1] === 0xda);
  const scans = Array.from({ length: 101 }, () => [...whole.subarray(scan, -2)]).flat();
  const many = Uint8Array.from([...whole.subarray(0, scan), ...scans, 0xff, 0xd9]);
  for (
    const [bytes, reason] of [
      [sized(65535, 65535), /more than 64 million/],
      // Half of the blocks could have a bit each.
      [sized(1024, whole.length), /bytes are too few for \d+ x 1024 pixels/],
      [
        Uint8Array.from([0xff, 0xd8, 0xff, 0xff, ...sized(1024, whole.length).subarray(2)]),
        /bytes are too few/,
      ],
      [many, /100 scans/],
    ] as const
  ) {
    assert.throws(() => decodeImage(bytes, "x.jpg"), { name: "SyntaxError", message: reason });
  }
  const strip = png(1, 1, [0, 0, 0, 255]);
  new DataView(strip.buffer).setUint32(20, 65536);
  assert.throws(() => decodeImage(strip, "x.png"), /1 x 65536 pixels a side is longer than 65535/);
});

Deno.test("a name that would write on the terminal is written as what it is", () => {
  assert.throws(() => decodeImage(new Uint8Array(), "\u001b[2J\n\u202e.png"), {
    message: 'Cannot decode "\\u001b[2J\\n\\u202e.png": it is neither PNG nor JPEG',
  });
});

const grey = (width: number, height: number, values: number[]): Image => ({
  width,
  height,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const first = (image: Image) => [...image.data].filter((_, i) => i % 3 === 0);

Deno.test("resizing follows the triangle filter", () => {
  // Halving: weights 1/8 3/8 3/8 1/8, and 3/7 3/7 1/7 at the border.
  assert.deepEqual(first(resize(grey(6, 1, [0, 0, 80, 80, 160, 160]), 3, 1)), [
    11,
    80,
    149,
  ]);
  // Doubling: a quarter and three quarters of the neighbours, the border held.
  assert.deepEqual(first(resize(grey(2, 1, [0, 100]), 4, 1)), [0, 25, 75, 100]);
  assert.deepEqual(first(resize(grey(1, 2, [0, 100]), 1, 4)), [0, 25, 75, 100]);
  assert.deepEqual(
    first(resize(grey(7, 5, Array(35).fill(93)), 3, 11)),
    Array(33).fill(93),
  );
});

Deno.test("resizing to the same size changes nothing, and to no size is refused", () => {
  const image = grey(2, 1, [1, 2]);
  assert.deepEqual(resize(image, 2, 1), image);
  assert.throws(() => resize(image, 0, 4), {
    name: "RangeError",
    message: "Cannot resize to 0 x 4: sides are positive whole numbers",
  });
  assert.throws(() => resize(image, 2.5, 4), RangeError);
});
