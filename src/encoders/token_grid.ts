/**
 * From the output of an image model to image tokens.
 */

/** Tokens of some pictures: `data` is (images, tokens, width). */
export interface Tokens {
  tokens: number;
  width: number;
  data: Float32Array;
}

/**
 * Reads a model's output as tokens: (images, tokens, width) as it is, (images, width) as one token, and channels first,
 * (images, channels, height, width), row by row with the channels as width.
 *
 * @throws {RangeError} when the dimensions are none of these or do not fit the data
 */
export function toTokens(data: Float32Array, dims: number[]): Tokens {
  if (data.length !== dims.reduce((a, b) => a * b, 1)) {
    throw new RangeError(
      `Cannot read image tokens: ${data.length} numbers are not ${dims.join(" x ")}`,
    );
  }
  if (dims.length === 2) return { tokens: 1, width: dims[1], data };
  if (dims.length === 3) return { tokens: dims[1], width: dims[2], data };
  if (dims.length !== 4) {
    throw new RangeError(`Cannot read image tokens: an output of ${dims.join(" x ")}`);
  }
  const [images, width] = dims;
  const tokens = dims[2] * dims[3];
  const turned = new Float32Array(data.length);
  for (let image = 0, from = 0; image < images; image++) {
    for (let channel = 0; channel < width; channel++) {
      for (let token = 0; token < tokens; token++) {
        turned[(image * tokens + token) * width + channel] = data[from++];
      }
    }
  }
  return { tokens, width, data: turned };
}

/**
 * Averages the square grid of tokens down to `side` x `side`. Where the model puts a class token in front of the grid,
 * it stays.
 *
 * @throws {RangeError} when the tokens are no square grid or `side` does not divide its side
 */
export function poolTokens({ tokens, width, data }: Tokens, side: number): Tokens {
  const first = Number.isInteger(Math.sqrt(tokens)) ? 0 : 1;
  const grid = Math.sqrt(tokens - first);
  if (!Number.isInteger(grid)) {
    throw new RangeError(`Cannot pool: ${tokens} image tokens are no square grid`);
  }
  if (!Number.isSafeInteger(side) || side < 1 || grid % side !== 0) {
    throw new RangeError(
      `Cannot pool: a grid of ${grid} x ${grid} image tokens to ${side} x ${side}`,
    );
  }
  const block = grid / side;
  const pooled = first + side * side;
  const images = data.length / (tokens * width);
  const result = new Float32Array(images * pooled * width);
  for (let image = 0; image < images; image++) {
    for (let token = 0; token < tokens; token++) {
      const place = token - first;
      const row = Math.floor(place / grid / block), column = Math.floor(place % grid / block);
      const to = place < 0 ? 0 : first + row * side + column;
      const weight = place < 0 ? 1 : 1 / (block * block);
      for (let channel = 0; channel < width; channel++) {
        result[(image * pooled + to) * width + channel] += weight *
          data[(image * tokens + token) * width + channel];
      }
    }
  }
  return { tokens: pooled, width, data: result };
}
