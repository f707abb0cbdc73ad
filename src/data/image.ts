/**
 * Pictures from bytes, and their resizing. Plain JavaScript decoders: no canvas, no native module.
 */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Image } from "./dataset.ts";
import { oneLine, quoted } from "./one_line.ts";

/** Pictures of more pixels are refused before they are decoded, so that a small file cannot fill the memory. */
export const MAX_PIXELS = 64e6;

/** A side is no longer, JPEG's own limit: a strip of one pixel's width would be far larger once it is resized. */
const MAX_SIDE = 65535;

/** A progressive JPEG has about ten scans; each costs a pass over all pixels, however few bytes it has. */
const MAX_SCANS = 100;

/** An 8-bit colour. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A picture of one colour. */
export function plainImage(width: number, height: number, color: Rgb): Image {
  const data = new Uint8Array(width * height * 3);
  data.set(color);
  // Doubles the painted part each time; far quicker than pixel by pixel.
  for (let done = 3; done < data.length; done *= 2) {
    data.copyWithin(done, 0, done);
  }
  return { width, height, data };
}

/** Paints one pixel in place. */
export function setPixel(image: Image, x: number, y: number, color: Rgb) {
  const at = (y * image.width + x) * 3;
  image.data[at] = color[0];
  image.data[at + 1] = color[1];
  image.data[at + 2] = color[2];
}

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG_MAGIC = [0xff, 0xd8, 0xff];

/** The picture format that the first bytes name, or null where they name none that can be decoded here. */
export function imageFormat(bytes: Uint8Array): "png" | "jpeg" | null {
  const startsWith = (magic: number[]) => magic.every((value, i) => bytes[i] === value);
  return startsWith(PNG_MAGIC) ? "png" : startsWith(JPEG_MAGIC) ? "jpeg" : null;
}

/**
 * Decodes a PNG or JPEG picture to 8-bit RGB; transparency is laid over white.
 *
 * @param name what to call the picture in an error, usually its file name
 * @throws {SyntaxError} when the bytes are no picture, a damaged one, one of more than {@link MAX_PIXELS}, or one that
 * would take more memory or time than its size tells
 */
export function decodeImage(bytes: Uint8Array, name: string): Image {
  const format = imageFormat(bytes);
  if (format === null) {
    throw new SyntaxError(
      `Cannot decode ${quoted(name)}: it is neither PNG nor JPEG`,
    );
  }
  try {
    return format === "png" ? decodePng(bytes) : decodeJpeg(bytes);
  } catch (error) {
    throw new SyntaxError(
      `Cannot decode ${quoted(name)}: a damaged or unsupported file (${oneLine(error)})`,
      { cause: error },
    );
  }
}

function decodePng(bytes: Uint8Array): Image {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The size stands at a fixed place: the IHDR chunk is the first by the format's rules.
  if (bytes.byteLength < 33) throw new Error("it ends within its header");
  const [columns, rows] = [header.getUint32(16), header.getUint32(20)];
  checkSize(columns, rows);
  if (bytes[28] !== 0) checkInterlaced(bytes, columns, rows);
  const { width, height, data } = PNG.sync.read(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  );
  return { width, height, data: overWhite(data) };
}

function decodeJpeg(bytes: Uint8Array): Image {
  const isRgb = checkFrame(bytes);
  checkScans(bytes);
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: MAX_PIXELS / 1e6,
    maxMemoryUsageInMB: 2048,
    // Three components are YCbCr to the library unless it is told.
    colorTransform: isRgb ? false : undefined,
  });
  // Of a frame that stands where the check did not look.
  checkSize(width, height);
  return { width, height, data };
}

/**
 * Checks the size that a JPEG's frame names, before memory and time are spent on it. A block of 64
 * pixels takes at least a bit of the data, so a file of few bytes with a large frame is no picture.
 *
 * @returns whether its components are red, green and blue, told as libjpeg tells it (jdapimin.c): a
 * file with a JFIF marker has none such, else Adobe's marker says it, else the components' names do
 */
function checkFrame(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let isJfif = false;
  let adobeTransform: number | undefined;
  let components: number[] = [];
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === START_OF_SCAN) break;
    // Any number of these may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (isFrame(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      checkSize(width, height);
      if (width * height > 64 * 8 * bytes.length) {
        throw new Error(`${bytes.length} bytes are too few for ${width} x ${height} pixels`);
      }
      components = Array.from({ length: bytes[at + 9] }, (_, i) => bytes[at + 10 + 3 * i]);
    }
    if (marker === APP0 && spells(bytes, at + 4, "JFIF\0")) isJfif = true;
    if (marker === APP14 && spells(bytes, at + 4, "Adobe")) adobeTransform = bytes[at + 15];
    at += 2 + view.getUint16(at + 2);
  }
  if (components.length !== 3 || isJfif) return false;
  return adobeTransform === undefined
    ? String.fromCharCode(...components) === "RGB"
    : adobeTransform === 0;
}

const APP0 = 0xe0;
const APP14 = 0xee;

/** Whether these characters, a byte each, stand at a place. */
function spells(bytes: Uint8Array, at: number, text: string): boolean {
  return String.fromCharCode(...bytes.subarray(at, at + text.length)) === text;
}

/** Markers of frames: C0 to CF but for those of tables and extensions (ITU-T T.81, table B.1). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/**
 * Inflates an interlaced PNG once, with a limit: the library inflates all that there is, and a file of
 * kilobytes may hold gigabytes.
 */
function checkInterlaced(bytes: Uint8Array, width: number, height: number) {
  // Seven passes, each with a byte a row; no pixel has more than eight bytes.
  const most = 8 * width * height + 7 * (height + 8);
  inflateSync(Buffer.concat(imageData(bytes)), { maxOutputLength: most });
}

/** The contents of a PNG's IDAT chunks. */
function imageData(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = PNG_MAGIC.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const begin = at + 8;
    if (view.getUint32(at + 4) === IDAT) parts.push(bytes.subarray(begin, begin + length));
    at = begin + length + 4;
  }
  return parts;
}

/** `IDAT` as a big-endian number. */
const IDAT = 0x49444154;

function checkScans(bytes: Uint8Array) {
  let scans = 0;
  // Within a scan's data a byte 0xff is followed by 0 or a restart marker, never by this.
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === START_OF_SCAN && ++scans > MAX_SCANS) {
      throw new Error(`it has more than ${MAX_SCANS} scans`);
    }
  }
}

const START_OF_SCAN = 0xda;

function checkSize(width: number, height: number) {
  if (width === 0 || height === 0) {
    throw new Error(`a size of ${width} x ${height} pixels`);
  }
  if (width * height > MAX_PIXELS) {
    throw new Error(
      `${width} x ${height} pixels are more than ${MAX_PIXELS / 1e6} million`,
    );
  }
  if (Math.max(width, height) > MAX_SIDE) {
    throw new Error(`of ${width} x ${height} pixels a side is longer than ${MAX_SIDE}`);
  }
}

function overWhite(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(rgba.length / 4 * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3] / 255;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.round(255 + (rgba[from + channel] - 255) * alpha);
    }
  }
  return rgb;
}

/**
 * Resizes by bilinear interpolation, anti-aliased when shrinking: the triangle filter is as wide as a target pixel
 * (the `BILINEAR` of Pillow). The aspect ratio is not kept.
 *
 * @throws {RangeError} when a side is not a positive whole number
 */
export function resize(image: Image, width: number, height: number): Image {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new RangeError(
        `Cannot resize to ${width} x ${height}: sides are positive whole numbers`,
      );
    }
  }
  if (image.width === width && image.height === height) return image;
  const narrow = new Float32Array(image.height * width * 3);
  const columns = triangleTaps(image.width, width);
  for (let y = 0, to = 0; y < image.height; y++) {
    for (const { start, weights } of columns) {
      let red = 0, green = 0, blue = 0;
      let from = (y * image.width + start) * 3;
      for (let tap = 0; tap < weights.length; tap++) {
        red += weights[tap] * image.data[from++];
        green += weights[tap] * image.data[from++];
        blue += weights[tap] * image.data[from++];
      }
      narrow[to++] = red;
      narrow[to++] = green;
      narrow[to++] = blue;
    }
  }
  const stride = width * 3;
  const data = new Uint8Array(height * stride);
  const rows = triangleTaps(image.height, height);
  for (let y = 0, to = 0; y < height; y++) {
    const { start, weights } = rows[y];
    for (let x = 0; x < stride; x++) {
      let sum = 0;
      for (
        let tap = 0, from = start * stride + x;
        tap < weights.length;
        tap++, from += stride
      ) {
        sum += weights[tap] * narrow[from];
      }
      data[to++] = Math.round(sum);
    }
  }
  return { width, height, data };
}

/** For each target pixel of one axis, the first source pixel it reads and the weights from there on (sum 1). */
function triangleTaps(
  source: number,
  target: number,
): { start: number; weights: Float64Array }[] {
  const ratio = source / target;
  const support = Math.max(1, ratio);
  return Array.from({ length: target }, (_, i) => {
    const centre = (i + 0.5) * ratio;
    const start = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(source, Math.floor(centre + support + 0.5));
    const weights = [];
    for (let j = start; j < end; j++) {
      weights.push(Math.max(0, 1 - Math.abs(j + 0.5 - centre) / support));
    }
    const sum = weights.reduce((a, b) => a + b, 0);
    return {
      start,
      weights: Float64Array.from(weights, (weight) => weight / sum),
    };
  });
}
