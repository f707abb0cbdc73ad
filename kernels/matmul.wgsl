// Matrix products in the three orders that a linear layer and its gradients need.
//
//   matmul_nt   C = A B^T   A (M, K), B (N, K)   y = x W^T
//   matmul_nn   C = A B     A (M, K), B (K, N)   dx = dy W
//   matmul_tn   C = A^T B   A (K, M), B (K, N)   dW = dy^T x
//
// An invocation owns ROWS rows by TEXELS groups of four columns of C and keeps them in registers.
// Neighbouring lanes own neighbouring column groups, so they read neighbouring texels of B and the
// same texel of A. Rows and columns past the edge are clamped when read and skipped when stored.
// Epilogues: ADD (C += base), BIAS (C += bias), GELU (stores A B^T + bias as `pre`, its GELU as C).

//# if GELU
//# include gelu
//# end

fn finish(column: u32, row: u32, product: vec4f) {
  var value = product;
  //# if BIAS
  value += load_bias(column, 0u);
  //# end
  //# if GELU
  store_pre(column, row, value);
  value = gelu(value);
  //# end
  //# if ADD
  value += load_base(column, row);
  //# end
  store_c(column, row, value);
}

//# kernel matmul_nt
//# read a b
//# read bias if BIAS
//# read base if ADD
//# write c
//# write pre if GELU
//# sizes rows columns inner4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = group.x * ${ROWS}u;
  let column0 = group.y * ${LANES * TEXELS}u + lane.x;
  let last_row = size.rows - 1u;
  let last_column = size.columns - 1u;
  //# for v in TEXELS
  //# for c in 4
  let n_${v}_${c} = min((column0 + ${LANES * v}u) * 4u + ${c}u, last_column);
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
  //# for v in TEXELS
  {
    let column = column0 + ${LANES * v}u;
    // The last group of four may reach past the last column; what lies there must stay zero.
    let inside = vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(size.columns);
    if (inside.x) {
      //# for i in ROWS
      if (row0 + ${i}u < size.rows) {
        finish(column, row0 + ${i}u, select(vec4f(), sum_${i}_${v}, inside));
      }
      //# end
    }
  }
  //# end
}

//# kernel matmul_nn
//# read a b
//# read bias if BIAS
//# read base if ADD
//# write c
//# write pre if GELU
//# sizes rows columns4 inner
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = group.x * ${ROWS}u;
  let column0 = group.y * ${LANES * TEXELS}u + lane.x;
  let last_row = size.rows - 1u;
  let last_inner = size.inner - 1u;
  let inner4 = (size.inner + 3u) / 4u;
  //# for v in TEXELS
  let n_${v} = min(column0 + ${LANES * v}u, size.columns4 - 1u);
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
    //# for i in ROWS
    let a_${i} = load_a(k, m_${i});
    //# for v in TEXELS
    sum_${i}_${v} = sum_${i}_${v} + a_${i}.x * b_0_${v} + a_${i}.y * b_1_${v} + a_${i}.z * b_2_${v} + a_${i}.w * b_3_${v};
    //# end
    //# end
  }
  //# for v in TEXELS
  if (column0 + ${LANES * v}u < size.columns4) {
    //# for i in ROWS
    if (row0 + ${i}u < size.rows) {
      finish(column0 + ${LANES * v}u, row0 + ${i}u, sum_${i}_${v});
    }
    //# end
  }
  //# end
}

//# kernel matmul_tn
//# read a b
//# read bias if BIAS
//# read base if ADD
//# write c
//# write pre if GELU
//# sizes rows columns4 inner
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = group.x * ${4 * ROWS4}u;
  let column0 = group.y * ${LANES * TEXELS}u + lane.x;
  let last_row4 = (size.rows + 3u) / 4u - 1u;
  //# for v in TEXELS
  let n_${v} = min(column0 + ${LANES * v}u, size.columns4 - 1u);
  //# end
  //# for q in ROWS4
  let m_${q} = min(group.x * ${ROWS4}u + ${q}u, last_row4);
  //# for c in 4
  //# for v in TEXELS
  var sum_${q}_${c}_${v} = vec4f();
  //# end
  //# end
  //# end
  for (var k = 0u; k < size.inner; k++) {
    //# for v in TEXELS
    let b_${v} = load_b(n_${v}, k);
    //# end
    //# for q in ROWS4
    let a_${q} = load_a(m_${q}, k);
    //# for c in 4
    //# for v in TEXELS
    sum_${q}_${c}_${v} += a_${q}[${c}] * b_${v};
    //# end
    //# end
    //# end
  }
  //# for v in TEXELS
  if (column0 + ${LANES * v}u < size.columns4) {
    //# for q in ROWS4
    //# for c in 4
    if (row0 + ${4 * q + c}u < size.rows) {
      finish(column0 + ${LANES * v}u, row0 + ${4 * q + c}u, sum_${q}_${c}_${v});
    }
    //# end
    //# end
  }
  //# end
}
