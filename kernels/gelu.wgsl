// Gaussian error linear unit (arXiv 1606.08415) and its gradient.
//
//   exact  gelu(x) = x/2 (1 + erf(x / sqrt 2))
//   TANH   gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
//   QUICK  gelu(x) = x sigmoid(1.702 x)

//# define gelu
//# if TANH
// tanh through one exponential; the clamp keeps exp finite where tanh is 1 in float32 anyway.
fn gelu_tanh_term(x: vec4f) -> vec4f {
  let u = clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), vec4f(-15.0), vec4f(15.0));
  return 1.0 - 2.0 / (exp(2.0 * u) + 1.0);
}

fn gelu(x: vec4f) -> vec4f {
  return 0.5 * x * (1.0 + gelu_tanh_term(x));
}

fn gelu_gradient(x: vec4f) -> vec4f {
  let t = gelu_tanh_term(x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x);
}
//# else
//# if QUICK
fn gelu_sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-clamp(1.702 * x, vec4f(-80.0), vec4f(80.0))));
}

fn gelu(x: vec4f) -> vec4f {
  return x * gelu_sigmoid(x);
}

fn gelu_gradient(x: vec4f) -> vec4f {
  let s = gelu_sigmoid(x);
  return s * (1.0 + 1.702 * x * (1.0 - s));
}
//# else
// 1 + erf(x / sqrt 2) by Abramowitz and Stegun, formula 7.1.26: absolute error below 1.5e-7.
fn one_plus_erf(x: vec4f) -> vec4f {
  let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * exp(-min(z * z, vec4f(80.0)));
  return select(2.0 - tail, tail, x < vec4f(0.0));
}

fn gelu(x: vec4f) -> vec4f {
  return 0.5 * x * one_plus_erf(x);
}

fn gelu_gradient(x: vec4f) -> vec4f {
  return 0.5 * one_plus_erf(x) + x * 0.3989422804014327 * exp(-0.5 * min(x * x, vec4f(160.0)));
}
//# end
//# end
//# enddefine

//# include gelu

//# kernel gelu_backward
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
    var value = load_dy(column, row) * gelu_gradient(load_x(column, row));
    //# if ADD
    value += load_base(column, row);
    //# end
    store_dx(column, row, value);
  }
}
