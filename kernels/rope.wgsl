// Rotary position embedding (arXiv 2104.09864, equation 34) of the query and key heads in a joint
// projection (rows, (heads + 2 kv_heads) head_dim); value heads pass through.
//
// Pairs are neighbours here, (2i, 2i+1); the rotate-half order of Hugging Face checkpoints is
// brought into this one when weights are loaded, which leaves q.k unchanged. The table holds
// (cos, sin, cos, sin) a texel and is made on the host: WGSL allows a coarse sin.
// The gradient is the rotation by the opposite angle.

//# define rotate
fn rotate(x: vec4f, t: vec4f) -> vec4f {
  return vec4f(x.x * t.x - x.y * t.y, x.x * t.y + x.y * t.x, x.z * t.z - x.w * t.w, x.z * t.w + x.w * t.z);
}

fn rotate_back(x: vec4f, t: vec4f) -> vec4f {
  return rotate(x, vec4f(t.x, -t.y, t.z, -t.w));
}
//# enddefine

//# include rotate

//# kernel rope_backward
//# read dy table
//# read base if ADD
//# write dx
//# ints positions
//# sizes rows width4 rotated4 head4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let position = u32(positions[row]);
  for (var column = 0u; column < size.width4; column++) {
    var value = load_dy(column, row);
    if (column < size.rotated4) {
      value = rotate_back(value, load_table(column % size.head4, position));
    }
    //# if ADD
    value += load_base(column, row);
    //# end
    store_dx(column, row, value);
  }
}
