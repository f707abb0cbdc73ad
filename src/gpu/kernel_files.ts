/** The kernel files, read as text, and the kernels parsed from them. */
import adamw from "../../kernels/adamw.wgsl" with { type: "text" };
import argmax from "../../kernels/argmax.wgsl" with { type: "text" };
import attention from "../../kernels/attention.wgsl" with { type: "text" };
import cosineLoss from "../../kernels/cosine_loss.wgsl" with { type: "text" };
import crossAttention from "../../kernels/cross_attention.wgsl" with { type: "text" };
import crossEntropy from "../../kernels/cross_entropy.wgsl" with { type: "text" };
import dropout from "../../kernels/dropout.wgsl" with { type: "text" };
import elementwise from "../../kernels/elementwise.wgsl" with { type: "text" };
import embedding from "../../kernels/embedding.wgsl" with { type: "text" };
import gate from "../../kernels/gate.wgsl" with { type: "text" };
import gelu from "../../kernels/gelu.wgsl" with { type: "text" };
import layerNorm from "../../kernels/layer_norm.wgsl" with { type: "text" };
import limit from "../../kernels/limit.wgsl" with { type: "text" };
import matmul from "../../kernels/matmul.wgsl" with { type: "text" };
import matmulTile from "../../kernels/matmul_tile.wgsl" with { type: "text" };
import positions from "../../kernels/positions.wgsl" with { type: "text" };
import reduce from "../../kernels/reduce.wgsl" with { type: "text" };
import rmsNorm from "../../kernels/rms_norm.wgsl" with { type: "text" };
import roofline from "../../kernels/roofline.wgsl" with { type: "text" };
import rope from "../../kernels/rope.wgsl" with { type: "text" };
import swiglu from "../../kernels/swiglu.wgsl" with { type: "text" };
import unitRows from "../../kernels/unit_rows.wgsl" with { type: "text" };
import vicreg from "../../kernels/vicreg.wgsl" with { type: "text" };
import { type KernelTemplate, parseKernels } from "./template.ts";

/** Every kernel by name. */
export const KERNELS: ReadonlyMap<string, KernelTemplate> = parseKernels({
  adamw,
  argmax,
  attention,
  cosineLoss,
  crossAttention,
  crossEntropy,
  dropout,
  elementwise,
  embedding,
  gate,
  gelu,
  layerNorm,
  limit,
  matmul,
  matmulTile,
  positions,
  reduce,
  rmsNorm,
  roofline,
  rope,
  swiglu,
  unitRows,
  vicreg,
});
