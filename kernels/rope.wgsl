// Rotary position embedding (arXiv 2104.09864, equation 34) of the query and key heads in a joint
// projection (rows, (heads + 2 kv_heads) head_dim); value heads pass through.
//
// Pairs are neighbours here, (2i, 2i+1); the rotate-half order of Hugging Face checkpoints is
// brought into this one when weights are loaded, which leaves q.k unchanged. The table holds
// (cos, sin, cos, sin) a texel and is made on the host: WGSL allows a coarse sin.
// The gradient is the rotation by the opposite angle (INVERSE).

fn rotate(x: vec4f, table: vec4f) -> vec4f {
  //# if INVERSE
  let t = vec4f(table.x, -table.y, table.z, -table.w);
  //# else
  let t = table;
  //# end
  return vec4f(x.x * t.x - x.y * t.y, x.x * t.y + x.y * t.x, x.z * t.z - x.w * t.w, x.z * t.w + x.w * t.z);
}

//# kernel rope
//# read x table
//# write y
//# ints positions
//# sizes rows width4 rotated_heads head4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let position = u32(positions[row]);
  // One texel of the table serves the same place of every head.
  for (var i = 0u; i < size.head4; i++) {
    let table = load_table(i, position);
    for (var head = 0u; head < size.rotated_heads; head++) {
      let column = head * size.head4 + i;
      store_y(column, row, rotate(load_x(column, row), table));
    }
  }
  for (var column = size.rotated_heads * size.head4; column < size.width4; column++) {
    store_y(column, row, load_x(column, row));
  }
}
