// Sum and elementwise product of two matrices.

//# kernel add
//# read x y
//# write z
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_z(column, row, load_x(column, row) + load_y(column, row));
  }
}

//# kernel multiply
//# read x y
//# read base if ADD
//# write z
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var value = load_x(column, row) * load_y(column, row);
    //# if ADD
    value += load_base(column, row);
    //# end
    store_z(column, row, value);
  }
}
