// Sums: of columns (bias and gain gradients) and of one number a row into a slot of the loss ring.

// y[chunk] = sum of the chunk's rows of x. Two rounds, many chunks and then one, give a column sum.
//# kernel column_sum
//# read x
//# read base if ADD
//# write y
//# sizes rows width4 chunk
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let column = group.y * ${LANES}u + lane.x;
  if (column >= size.width4) { return; }
  var sum = vec4f();
  let end = min((group.x + 1u) * size.chunk, size.rows);
  for (var row = group.x * size.chunk; row < end; row++) {
    sum += load_x(column, row);
  }
  //# if ADD
  sum += load_base(column, group.x);
  //# end
  store_y(column, group.x, sum);
}

// ring[step.slot * 4 + place] = scale * sum over rows of x[row].x
//# kernel row_total
//# read x
//# floats_out ring
//# step
//# sizes rows place fixed_scale:f32
var<workgroup> totals: array<f32, ${LANES}>;

@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = 0.0;
  for (var row = lane.x; row < size.rows; row += ${LANES}u) {
    sum += load_x(0u, row).x;
  }
  totals[lane.x] = sum;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = 0.0;
    for (var i = 0u; i < ${LANES}u; i++) { total += totals[i]; }
    // A fixed scale of 0 stands for the token scale, which changes with the number of answer tokens.
    ring[step.slot * 4u + size.place] = total * select(size.fixed_scale, step.token_scale, size.fixed_scale == 0.0);
  }
}
