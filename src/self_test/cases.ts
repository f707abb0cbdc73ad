/** The case of each kernel. A kernel without one cannot be trained with. */
import { adamwCase, limitCase } from "./adamw.ts";
import type { Case } from "./bench.ts";
import { argmaxCase, embeddingCase, gatherCase, positionsCase } from "./embedding.ts";
import { attentionCase, cacheAppendCase, decodeCase, rotationCase } from "./heads.ts";
import {
  addCase,
  columnSumCase,
  dropoutCase,
  geluCase,
  layerNormCase,
  multiplyCase,
  rmsNormCase,
  swigluCase,
  unitRowsCase,
} from "./layers.ts";
import { crossAttentionCase, gatedAddCase } from "./looks.ts";
import { cosineCase, crossEntropyCase, vicregCase } from "./losses.ts";
import { productNN, productNT, productTN } from "./products.ts";

/** By kernel name. */
export const CASES: Readonly<Record<string, Case>> = {
  matmul_nt: productNT,
  matmul_nn: productNN,
  matmul_tn: productTN,
  matmul_tile_nt: productNT,
  matmul_tile_nn: productNN,
  matmul_tile_tn: productTN,
  add: addCase,
  multiply: multiplyCase,
  dropout: dropoutCase,
  column_sum: columnSumCase,
  gelu_backward: geluCase,
  swiglu_forward: swigluCase,
  swiglu_backward: swigluCase,
  rms_norm_forward: rmsNormCase,
  rms_norm_backward: rmsNormCase,
  rms_norm_weight_gradient: rmsNormCase,
  layer_norm_forward: layerNormCase,
  layer_norm_backward: layerNormCase,
  layer_norm_weight_gradient: layerNormCase,
  rope_backward: rotationCase,
  attention_forward: attentionCase,
  attention_backward_query: attentionCase,
  attention_backward_key_value: attentionCase,
  cache_append: cacheAppendCase,
  attention_decode: decodeCase,
  argmax: argmaxCase,
  embedding_forward: embeddingCase,
  embedding_backward: embeddingCase,
  gather_rows: gatherCase,
  positions_forward: positionsCase,
  positions_backward: positionsCase,
  unit_rows_forward: unitRowsCase,
  unit_rows_backward: unitRowsCase,
  cross_attention_forward: crossAttentionCase,
  cross_attention_backward_query: crossAttentionCase,
  cross_attention_backward_key_value: crossAttentionCase,
  gated_add: gatedAddCase,
  gated_add_backward: gatedAddCase,
  centre_columns: vicregCase,
  vicreg_terms: vicregCase,
  cross_entropy: crossEntropyCase,
  cosine_loss: cosineCase,
  row_total: crossEntropyCase,
  gradient_squares: adamwCase,
  clip_scale: adamwCase,
  adamw: adamwCase,
  limit: limitCase,
};
