// The matrix products of matmul.wgsl on tiles in workgroup memory, for GPUs.
//
//   matmul_tile_nt   C = A B^T   A (M, K), B (N, K)
//   matmul_tile_nn   C = A B     A (M, K), B (K, N)
//   matmul_tile_tn   C = A^T B   A (K, M), B (K, N)
//
// A workgroup walks along the inner dimension in steps of DEPTH. At each its lanes bring a tile of
// A and one of B into workgroup memory, which every lane then reads: an element comes from memory
// once a workgroup instead of once a lane. Whatever the order, tiles have the inner index outermost
// and texels of four rows of A or four columns of B, so that all orders share one inner loop.
//
// An invocation keeps ROWS4 groups of four rows by TEXELS groups of four columns of C in registers.
// Its groups are DOWN and ACROSS apart: neighbouring lanes read neighbouring texels of a tile. What
// lies past an edge counts as zero, and lanes outside C stay to the end, for barriers need them all.
//
// With HALF tiles are float16, twice as deep in the same memory. Factors are then rounded to 11 bits,
// vanish below 2^-25 and overflow above 65504. Sums are float32 in any case.

//# include product_epilogue

const DEPTH4 = ${DEPTH4}u;
const DEPTH = 4u * DEPTH4;
const TILE_ROWS4 = ${DOWN * ROWS4}u;
const TILE_COLUMNS4 = ${ACROSS * TEXELS}u;

//# if HALF
alias TileTexel = vec4<f16>;
//# else
alias TileTexel = vec4f;
//# end

var<workgroup> tile_a: array<TileTexel, DEPTH * TILE_ROWS4>;
var<workgroup> tile_b: array<TileTexel, DEPTH * TILE_COLUMNS4>;

// A (M, K): neighbouring lanes read along a row and turn four rows into four texels.
//# define fill_a_from_rows
fn a_or_zero(inner4: u32, row: u32) -> vec4f {
  if (inner4 >= size.inner4 || row >= size.rows) { return vec4f(); }
  return load_a(inner4 + size.a_column4, row);
}

fn fill_a(inner4: u32, row4: u32, lane: u32) {
  for (var i = lane; i < DEPTH4 * TILE_ROWS4; i += ${LANES}u) {
    let k4 = i % DEPTH4;
    let m4 = i / DEPTH4;
    let row = 4u * (row4 + m4);
    let texels = transpose(mat4x4f(
      //# for c in 4
      a_or_zero(inner4 + k4, row + ${c}u),
      //# end
    ));
    //# for c in 4
    tile_a[(4u * k4 + ${c}u) * TILE_ROWS4 + m4] = TileTexel(texels[${c}]);
    //# end
  }
}
//# enddefine

// A (K, M) lies in memory as in its tile.
//# define fill_a_from_columns
fn fill_a(inner4: u32, row4: u32, lane: u32) {
  let rows4 = (size.rows + 3u) / 4u;
  for (var i = lane; i < DEPTH * TILE_ROWS4; i += ${LANES}u) {
    let k = 4u * inner4 + i / TILE_ROWS4;
    let m4 = row4 + i % TILE_ROWS4;
    var texel = vec4f();
    if (k < size.inner && m4 < rows4) { texel = load_a(m4 + size.a_column4, k); }
    tile_a[i] = TileTexel(texel);
  }
}
//# enddefine

// B (N, K): as A (M, K). Behind SWIGLU the tile holds as many columns of gate and, after them, of up.
//# define fill_b_from_rows
fn b_or_zero(inner4: u32, column: u32) -> vec4f {
  if (inner4 >= size.inner4 || column >= size.columns) { return vec4f(); }
  return load_b(inner4, column);
}

fn fill_b(inner4: u32, column4: u32, lane: u32) {
  for (var i = lane; i < DEPTH4 * TILE_COLUMNS4; i += ${LANES}u) {
    let k4 = i % DEPTH4;
    let n4 = i / DEPTH4;
    var column = 4u * (column4 + n4);
    //# if SWIGLU
    if (n4 >= ${ACROSS * SPAN}u) { column = 4u * (column4 + size.half4 + n4 - ${ACROSS * SPAN}u); }
    //# end
    let texels = transpose(mat4x4f(
      //# for c in 4
      b_or_zero(inner4 + k4, column + ${c}u),
      //# end
    ));
    //# for c in 4
    tile_b[(4u * k4 + ${c}u) * TILE_COLUMNS4 + n4] = TileTexel(texels[${c}]);
    //# end
  }
}
//# enddefine

// B (K, N) lies in memory as in its tile.
//# define fill_b_from_columns
fn fill_b(inner4: u32, column4: u32, lane: u32) {
  for (var i = lane; i < DEPTH * TILE_COLUMNS4; i += ${LANES}u) {
    let k = 4u * inner4 + i / TILE_COLUMNS4;
    let n4 = column4 + i % TILE_COLUMNS4;
    var texel = vec4f();
    if (k < size.inner && n4 < size.columns4) { texel = load_b(n4, k); }
    tile_b[i] = TileTexel(texel);
  }
}
//# enddefine

//# define tile_product
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row4 = group.x * TILE_ROWS4;
  let column4 = group.y * ${ACROSS * SPAN}u;
  let down = lane / ${ACROSS}u;
  let across = lane % ${ACROSS}u;
  //# for q in ROWS4
  //# for c in 4
  //# for v in TEXELS
  var sum_${q}_${c}_${v} = vec4f();
  //# end
  //# end
  //# end
  for (var inner4 = 0u; inner4 < size.inner4; inner4 += DEPTH4) {
    fill_a(inner4, row4, lane);
    fill_b(inner4, column4, lane);
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      //# for v in TEXELS
      let b_${v} = vec4f(tile_b[k * TILE_COLUMNS4 + across + ${ACROSS * v}u]);
      //# end
      //# for q in ROWS4
      let a_${q} = vec4f(tile_a[k * TILE_ROWS4 + down + ${DOWN * q}u]);
      //# for c in 4
      //# for v in TEXELS
      sum_${q}_${c}_${v} += a_${q}[${c}] * b_${v};
      //# end
      //# end
      //# end
    }
    workgroupBarrier();
  }
  //# for s in SPAN
  {
    let column = column4 + across + ${ACROSS * s}u;
    //# for q in ROWS4
    let row_${q} = 4u * (row4 + down + ${DOWN * q}u);
    //# for c in 4
    //# if SWIGLU
    if (column < size.half4 && row_${q} + ${c}u < size.rows) {
      //# if BEFORE
      sum_${q}_${c}_${s} += load_before(column, row_${q} + ${c}u);
      sum_${q}_${c}_${SPAN + s} += load_before(column + size.half4, row_${q} + ${c}u);
      //# end
      store_pre(column, row_${q} + ${c}u, sum_${q}_${c}_${s});
      store_pre(column + size.half4, row_${q} + ${c}u, sum_${q}_${c}_${SPAN + s});
      store_c(column, row_${q} + ${c}u, swiglu(sum_${q}_${c}_${s}, sum_${q}_${c}_${SPAN + s}));
    }
    //# else
    if (column < size.columns4 && row_${q} + ${c}u < size.rows) {
      finish(column, row_${q} + ${c}u, sum_${q}_${c}_${s});
    }
    //# end
    //# end
    //# end
  }
  //# end
}
//# enddefine

//# kernel matmul_tile_nt
//# operand a b
//# read bias if BIAS
//# read before if BEFORE
//# read base if ADD
//# read table if ROPE
//# write c
//# write pre if KEEP
//# ints positions if ROPE
//# sizes rows columns columns4 inner4 half4 rotated4 head4 a_column4 c_column4
//# include fill_a_from_rows
//# include fill_b_from_rows
//# include tile_product

//# kernel matmul_tile_nn
//# operand a b
//# read bias if BIAS
//# read base if ADD
//# read pre if USE
//# write c
//# sizes rows columns4 inner inner4 half4 a_column4 c_column4
//# include fill_a_from_rows
//# include fill_b_from_columns
//# include tile_product

//# kernel matmul_tile_tn
//# operand a b
//# read base if ADD
//# write c
//# sizes rows columns4 inner inner4 a_column4 c_column4
//# include fill_a_from_columns
//# include fill_b_from_columns
//# include tile_product
