// Matrix products in the three orders that a linear layer and its gradients need.
//
//   matmul_nt   C = A B^T   A (M, K), B (N, K)   y = x W^T
//   matmul_nn   C = A B     A (M, K), B (K, N)   dx = dy W
//   matmul_tn   C = A^T B   A (K, M), B (K, N)   dW = dy^T x
//
// An invocation owns ROWS rows by TEXELS groups of four columns of C and keeps them in registers.
// ACROSS lanes stand side by side on neighbouring column groups, the others below them on the next
// rows, so that a matrix with few columns fills its lanes too. Rows and columns past the edge are
// clamped when read and skipped when stored. Epilogues: see `product_epilogue`.

//# define product_epilogue
//# if GELU
//# include gelu
//# end
//# if GELU_GRADIENT
//# include gelu
//# end
//# if SWIGLU
//# include swiglu
//# end
//# if SWIGLU_GRADIENT
//# include swiglu
//# end
//# if ROPE
//# include rotate
//# end

// A factor may be a band of a larger matrix's columns, and C too: what a product of one band of a weight
// reads or writes begins at `a_column4` of A or `c_column4` of C, counted in groups of four columns.

// What happens to four neighbouring columns of the product before they are stored:
//   BIAS              + bias
//   BEFORE            + before
//   ROPE              the leading columns turned by the row's position
//   GELU              the value so far kept as `pre`, then its GELU
//   GELU_GRADIENT     times the derivative of GELU at `pre`
//   SWIGLU_GRADIENT   the gradients of gate and up, which stand side by side in `pre` and in C
//   ADD               + base
fn finish(product_column: u32, row: u32, product: vec4f) {
  let column = product_column + size.c_column4;
  var value = product;
  //# if BIAS
  value += load_bias(column, 0u);
  //# end
  //# if BEFORE
  value += load_before(column, row);
  //# end
  //# if ROPE
  if (column < size.rotated4) {
    value = rotate(value, load_table(column % size.head4, u32(positions[row])));
  }
  //# end
  //# if GELU
  store_pre(column, row, value);
  value = gelu(value);
  //# end
  //# if GELU_GRADIENT
  value *= gelu_gradient(load_pre(column, row));
  //# end
  //# if SWIGLU_GRADIENT
  var gradients = swiglu_gradient(load_pre(column, row), load_pre(column + size.half4, row), value);
  //# if ADD
  gradients.gate += load_base(column, row);
  gradients.up += load_base(column + size.half4, row);
  //# end
  store_c(column, row, gradients.gate);
  store_c(column + size.half4, row, gradients.up);
  //# else
  //# if ADD
  value += load_base(column, row);
  //# end
  store_c(column, row, value);
  //# end
}
//# enddefine

//# include product_epilogue

//# kernel matmul_nt
//# operand a b
//# read bias if BIAS
//# read before if BEFORE
//# read base if ADD
//# read table if ROPE
//# write c
//# write pre if KEEP
//# ints positions if ROPE
//# sizes rows columns inner4 half4 rotated4 head4 c_column4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = (group.x * ${DOWN}u + lane.x / ${ACROSS}u) * ${ROWS}u;
  let column0 = group.y * ${ACROSS * SPAN}u + lane.x % ${ACROSS}u;
  let last_row = size.rows - 1u;
  let last_column = size.columns - 1u;
  //# for s in SPAN
  let column_${s} = column0 + ${ACROSS * s}u;
  //# if SWIGLU
  // Gate and up of the same columns in one invocation.
  let column_${SPAN + s} = column_${s} + size.half4;
  //# end
  //# end
  //# for v in TEXELS
  //# for c in 4
  let n_${v}_${c} = min(column_${v} * 4u + ${c}u, last_column);
  //# end
  //# end
  //# for i in ROWS
  let m_${i} = min(row0 + ${i}u, last_row);
  //# for v in TEXELS
  var sum_${i}_${v} = vec4f();
  //# end
  //# end
  for (var k = 0u; k < size.inner4; k++) {
    //# for v in TEXELS
    //# for c in 4
    let b_${v}_${c} = load_b(k, n_${v}_${c});
    //# end
    //# end
    //# for i in ROWS
    let a_${i} = load_a(k, m_${i});
    //# for v in TEXELS
    sum_${i}_${v} += vec4f(dot(a_${i}, b_${v}_0), dot(a_${i}, b_${v}_1), dot(a_${i}, b_${v}_2), dot(a_${i}, b_${v}_3));
    //# end
    //# end
  }
  for (var row = row0; row < min(row0 + ${ROWS}u, size.rows); row++) {
    //# if SWIGLU
    //# for s in SPAN
    if (column_${s} < size.half4) {
      //# if BEFORE
      sum_0_${s} += load_before(column_${s}, row);
      sum_0_${SPAN + s} += load_before(column_${SPAN + s}, row);
      //# end
      store_pre(column_${s}, row, sum_0_${s});
      store_pre(column_${SPAN + s}, row, sum_0_${SPAN + s});
      store_c(column_${s}, row, swiglu(sum_0_${s}, sum_0_${SPAN + s}));
    }
    //# end
    //# else
    //# for v in TEXELS
    {
      // The last group of four may reach past the last column; what lies there must stay zero.
      let inside = vec4u(column_${v} * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(size.columns);
      if (inside.x) {
        finish(column_${v}, row, select(vec4f(), sum_0_${v}, inside));
      }
    }
    //# end
    //# end
    //# for i in ROWS-1
    //# for v in TEXELS
    sum_${i}_${v} = sum_${i + 1}_${v};
    //# end
    //# end
  }
}

//# kernel matmul_nn
//# operand a b
//# read bias if BIAS
//# read base if ADD
//# read pre if USE
//# write c
//# sizes rows columns4 inner half4 a_column4 c_column4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = (group.x * ${DOWN}u + lane.x / ${ACROSS}u) * ${ROWS}u;
  let column0 = group.y * ${ACROSS * TEXELS}u + lane.x % ${ACROSS}u;
  let last_row = size.rows - 1u;
  let last_inner = size.inner - 1u;
  let inner4 = (size.inner + 3u) / 4u;
  //# for v in TEXELS
  let n_${v} = min(column0 + ${ACROSS * v}u, size.columns4 - 1u);
  //# end
  //# for i in ROWS
  let m_${i} = min(row0 + ${i}u, last_row);
  //# for v in TEXELS
  var sum_${i}_${v} = vec4f();
  //# end
  //# end
  for (var k = 0u; k < inner4; k++) {
    // Past the last inner index A holds zeros, so any finite row of B will do.
    //# for c in 4
    let k_${c} = min(k * 4u + ${c}u, last_inner);
    //# for v in TEXELS
    let b_${c}_${v} = load_b(n_${v}, k_${c});
    //# end
    //# end
    let a_column = k + size.a_column4;
    //# for i in ROWS
    let a_${i} = load_a(a_column, m_${i});
    //# for v in TEXELS
    sum_${i}_${v} = sum_${i}_${v} + a_${i}.x * b_0_${v} + a_${i}.y * b_1_${v} + a_${i}.z * b_2_${v} + a_${i}.w * b_3_${v};
    //# end
    //# end
  }
  for (var row = row0; row < min(row0 + ${ROWS}u, size.rows); row++) {
    //# for v in TEXELS
    if (column0 + ${ACROSS * v}u < size.columns4) {
      finish(column0 + ${ACROSS * v}u, row, sum_0_${v});
    }
    //# end
    //# for i in ROWS-1
    //# for v in TEXELS
    sum_${i}_${v} = sum_${i + 1}_${v};
    //# end
    //# end
  }
}

//# kernel matmul_tn
//# operand a b
//# read base if ADD
//# write c
//# sizes rows columns4 inner a_column4 c_column4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let block4 = (group.x * ${DOWN}u + lane.x / ${ACROSS}u) * ${ROWS4}u;
  let row0 = block4 * 4u;
  let column0 = group.y * ${ACROSS * TEXELS}u + lane.x % ${ACROSS}u;
  let last_row4 = (size.rows + 3u) / 4u - 1u;
  //# for v in TEXELS
  let n_${v} = min(column0 + ${ACROSS * v}u, size.columns4 - 1u);
  //# end
  //# for q in ROWS4
  let m_${q} = min(block4 + ${q}u, last_row4) + size.a_column4;
  //# for c in 4
  //# for v in TEXELS
  var sum_${4 * q + c}_${v} = vec4f();
  //# end
  //# end
  //# end
  let last_inner = size.inner - 1u;
  // Four inner indices at a time, so that a sum is fetched and put back once for all of them.
  for (var k = 0u; k < size.inner; k += 4u) {
    //# for d in 4
    let k_${d} = min(k + ${d}u, last_inner);
    // Past the last inner index A counts as zero.
    let inside_${d} = f32(k + ${d}u <= last_inner);
    //# for v in TEXELS
    let b_${d}_${v} = load_b(n_${v}, k_${d});
    //# end
    //# end
    //# for q in ROWS4
    //# for d in 4
    let a_${q}_${d} = load_a(m_${q}, k_${d}) * inside_${d};
    //# end
    //# for c in 4
    //# for v in TEXELS
    sum_${4 * q + c}_${v} = sum_${4 * q + c}_${v} + a_${q}_0[${c}] * b_0_${v} + a_${q}_1[${c}] * b_1_${v} + a_${q}_2[${c}] * b_2_${v} + a_${q}_3[${c}] * b_3_${v};
    //# end
    //# end
    //# end
  }
  for (var row = row0; row < min(row0 + ${4 * ROWS4}u, size.rows); row++) {
    //# for v in TEXELS
    if (column0 + ${ACROSS * v}u < size.columns4) {
      finish(column0 + ${ACROSS * v}u, row, sum_0_${v});
    }
    //# end
    //# for i in 4*ROWS4-1
    //# for v in TEXELS
    sum_${i}_${v} = sum_${i + 1}_${v};
    //# end
    //# end
  }
}
