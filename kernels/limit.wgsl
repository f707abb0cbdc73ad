// Keeps numbers that a program changes in place at most as large as `most`, which is not negative.

//# kernel limit
//# write mirror if MIRROR
//# state master
//# sizes rows width4 most:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let value = min(load_master(column, row), vec4f(size.most));
    store_master(column, row, value);
    //# if MIRROR
    store_mirror(column, row, value);
    //# end
  }
}
