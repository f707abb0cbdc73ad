/**
 * The gated cross-attention block of Flamingo (arXiv 2204.14198, figure 4): it stands before a layer
 * of a language model and lets its tokens look at a picture.
 *
 *   h = x + tanh(a) attention(LN(x), media)
 *   y = h + tanh(b) W3 gelu(W1 LN(h))
 *
 * Both gates start at 0, so that at first the language model is what it was. No biases but LayerNorm's;
 * media is not normalised.
 */
import type { Tensor } from "../gpu/tensor.ts";
import { type Attended, crossAttention, gatedAdd } from "../tensor/cross_attention.ts";
import type { HeadLayout } from "../tensor/heads.ts";
import { linear } from "../tensor/linear.ts";
import { layerNorm } from "../tensor/norm.ts";
import type { Tape } from "../tensor/tape.ts";
import type { ParameterSpec } from "./parameters.ts";

/** Heads of a block: queries, keys and values are equally many. */
export type GatedHeads = Omit<HeadLayout, "kvHeads">;

/** Width of the layer inside the perceptron, in widths of the block. */
const FF_MULTIPLE = 4;

/** PyTorch's default. */
const EPS = 1e-5;

/** Parameters of a block; names as in the open_flamingo implementation. */
export function gatedCrossAttentionSpecs(
  name: string,
  { width, visual, heads: { heads, headWidth } }: {
    width: number;
    visual: number;
    heads: GatedHeads;
  },
): ParameterSpec[] {
  const inner = heads * headWidth;
  const matrix = (part: string, rows: number, columns: number): ParameterSpec => ({
    name: `${name}.${part}.weight`,
    rows,
    columns,
    initialisation: { kind: "kaiming-uniform" },
  });
  const row = (part: string, kind: "zeros" | "ones", columns = width): ParameterSpec => ({
    name: `${name}.${part}`,
    rows: 1,
    columns,
    initialisation: { kind },
  });
  return [
    row("attn.norm.weight", "ones"),
    row("attn.norm.bias", "zeros"),
    matrix("attn.to_q", inner, width),
    matrix("attn.to_kv", 2 * inner, visual),
    matrix("attn.to_out", width, inner),
    row("ff.0.weight", "ones"),
    row("ff.0.bias", "zeros"),
    matrix("ff.1", FF_MULTIPLE * width, width),
    matrix("ff.3", width, FF_MULTIPLE * width),
    row("attn_gate", "zeros", 1),
    row("ff_gate", "zeros", 1),
  ];
}

/**
 * y of a block, as above.
 *
 * @param x (rows, width)
 * @param media (all latents, visual)
 * @returns (rows, width)
 */
export function gatedCrossAttention(
  tape: Tape,
  name: string,
  x: Tensor,
  media: Tensor,
  parameters: ReadonlyMap<string, Tensor>,
  heads: GatedHeads,
  attended: Attended,
): Tensor {
  const get = (part: string) => parameters.get(`${name}.${part}`)!;
  const normed = layerNorm(tape, x, get("attn.norm.weight"), get("attn.norm.bias"), EPS);
  const q = linear(tape, normed, get("attn.to_q.weight"), { name: "media queries" });
  const kv = linear(tape, media, get("attn.to_kv.weight"), { name: "media keys and values" });
  const seen = crossAttention(tape, q, kv, heads, attended);
  const told = linear(tape, seen, get("attn.to_out.weight"), { name: "media out" });
  const h = gatedAdd(tape, x, told, get("attn_gate"));
  const inner = linear(
    tape,
    layerNorm(tape, h, get("ff.0.weight"), get("ff.0.bias"), EPS),
    get("ff.1.weight"),
    { activation: { kind: "gelu", form: "exact" }, name: "gated perceptron" },
  );
  const worked = linear(tape, inner, get("ff.3.weight"), { name: "gated perceptron out" });
  return gatedAdd(tape, h, worked, get("ff_gate"));
}
