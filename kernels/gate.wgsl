// y = x + tanh(gate) u, a residual branch behind a gate (arXiv 2204.14198, figure 4). At gate 0 y is x,
// bit for bit.
//
//   dx = dy     du = tanh(gate) dy     dgate = (1 - tanh(gate)^2) sum of u dy

// Exact at 0, where built-in tangents need not be.
fn opening(gate: f32) -> f32 {
  let e = exp(-2.0 * abs(gate));
  return sign(gate) * (1.0 - e) / (1.0 + e);
}

//# kernel gated_add
//# read x u gate
//# write y
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let open = opening(load_gate(0u, 0u).x);
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row) + open * load_u(column, row));
  }
}

// du, and of each row what it adds to dgate.
//# kernel gated_add_backward
//# read u gate dy
//# write du partial
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let open = opening(load_gate(0u, 0u).x);
  var products = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let dy = load_dy(column, row);
    products += dy * load_u(column, row);
    store_du(column, row, open * dy);
  }
  store_partial(0u, row, vec4f((1.0 - open * open) * dot(products, vec4f(1.0)), 0.0, 0.0, 0.0));
}
