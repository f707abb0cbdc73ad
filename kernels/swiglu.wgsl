// SwiGLU (arXiv 2002.05202): y = silu(gate) up, silu(g) = g / (1 + exp(-g)).
// `gate` and `up` stand side by side in x (rows, 2 width), as one product makes them.

//# define swiglu
fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-clamp(x, vec4f(-80.0), vec4f(80.0))));
}

fn swiglu(gate: vec4f, up: vec4f) -> vec4f {
  return gate * sigmoid(gate) * up;
}

struct SwigluGradient { gate: vec4f, up: vec4f }

fn swiglu_gradient(gate: vec4f, up: vec4f, dy: vec4f) -> SwigluGradient {
  let s = sigmoid(gate);
  return SwigluGradient(dy * up * s * (1.0 + gate * (1.0 - s)), dy * gate * s);
}
//# enddefine

//# include swiglu

// Where no product does it while it stores.
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
    store_y(column, row, swiglu(load_x(column, row), load_x(column + size.width4, row)));
  }
}

//# kernel swiglu_backward
//# read x dy
//# read base if ADD
//# write dx
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var gradients = swiglu_gradient(load_x(column, row), load_x(column + size.width4, row), load_dy(column, row));
    //# if ADD
    gradients.gate += load_base(column, row);
    gradients.up += load_base(column + size.width4, row);
    //# end
    store_dx(column, row, gradients.gate);
    store_dx(column + size.width4, row, gradients.up);
  }
}
