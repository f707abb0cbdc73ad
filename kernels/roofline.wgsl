// What the adapter can do at most: arithmetic in registers, and a copy. For `deno task bench` only.

// CHAINS independent chains of s = s * factor + addend, four wide; `FUSED` asks for fma(). The next
// link waits for the one before it, so several chains keep the units busy. All sums are written.
//# kernel roofline_fma
//# floats_out y
//# sizes rounds factor:f32 addend:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = vec4f(size.factor);
  let addend = vec4f(size.addend);
  //# for c in CHAINS
  var sum_${c} = vec4f(0.0, 1.0, 2.0, 3.0) + ${c}.0;
  //# end
  for (var i = 0u; i < size.rounds; i++) {
    //# for link in LINKS
    //# for c in CHAINS
    //# if FUSED
    sum_${c} = fma(sum_${c}, factor, addend);
    //# else
    sum_${c} = sum_${c} * factor + addend;
    //# end
    //# end
    //# end
  }
  var total = vec4f();
  //# for c in CHAINS
  total += sum_${c};
  //# end
  y[id.x] = dot(total, vec4f(1.0));
}

// y = x. A row to an invocation as in the elementwise kernels, or with ACROSS a row to a workgroup,
// whose lanes take neighbouring columns.
//# kernel roofline_copy
//# read x
//# write y
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  //# if ACROSS
  for (var column = lane.x; column < size.width4; column += ${LANES}u) {
    store_y(column, group.x, load_x(column, group.x));
  }
  //# else
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row));
  }
  //# end
}
