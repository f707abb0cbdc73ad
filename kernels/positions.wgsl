// Learned positions: y[row] = x[row] + table[row % period], a batch of sequences of `period` rows.

//# kernel positions_forward
//# read x table
//# write y
//# sizes rows width4 period
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row) + load_table(column, row % size.period));
  }
}

// dtable[p] = sum over the batch of dy at position p; zero at positions that no sequence reaches.
//# kernel positions_backward
//# read dy
//# read base if ADD
//# write dtable
//# sizes rows width4 period
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let column = group.y * ${LANES}u + lane.x;
  if (column >= size.width4) { return; }
  var sum = vec4f();
  if (group.x < size.period) {
    for (var row = group.x; row < size.rows; row += size.period) {
      sum += load_dy(column, row);
    }
  }
  //# if ADD
  sum += load_base(column, group.x);
  //# end
  store_dtable(column, group.x, sum);
}
