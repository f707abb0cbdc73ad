// SwiGLU (arXiv 2002.05202): y = silu(gate) up, silu(g) = g / (1 + exp(-g)).
// `gate` and `up` stand side by side in x (rows, 2 width), as one product makes them.

fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-clamp(x, vec4f(-80.0), vec4f(80.0))));
}

//# kernel swiglu_forward
//# read x
//# write y
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let gate = load_x(column, row);
    store_y(column, row, gate * sigmoid(gate) * load_x(column + size.width4, row));
  }
}

//# kernel swiglu_backward
//# read x dy
//# write dx
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let gate = load_x(column, row);
    let up = load_x(column + size.width4, row);
    let dy = load_dy(column, row);
    let s = sigmoid(gate);
    store_dx(column, row, dy * up * s * (1.0 + gate * (1.0 - s)));
    store_dx(column + size.width4, row, dy * gate * s);
  }
}
