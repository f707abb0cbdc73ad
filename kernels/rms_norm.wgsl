// Root mean square normalisation (arXiv 1910.07467, equation 4): y = x r w, r = 1 / sqrt(mean(x^2) + eps).

//# kernel rms_norm_forward
//# read x weight
//# write y inverse_rms
//# sizes rows width4 inverse_width:f32 eps:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var squares = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let x = load_x(skew(i, lane.x, size.width4), row);
    squares += x * x;
  }
  let r = 1.0 / sqrt(dot(squares, vec4f(size.inverse_width)) + size.eps);
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row) * load_weight(column, 0u) * r);
  }
  store_inverse_rms(0u, row, vec4f(r));
}

// dx = r (w dy - x r^2 mean(w dy x))
//# kernel rms_norm_backward
//# read x weight dy inverse_rms
//# read base if ADD
//# write dx
//# sizes rows width4 inverse_width:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let r = load_inverse_rms(0u, row).x;
  var products = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    products += load_x(column, row) * load_dy(column, row) * load_weight(column, 0u);
  }
  let mean = dot(products, vec4f(size.inverse_width)) * r * r;
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var value = r * (load_weight(column, 0u) * load_dy(column, row) - load_x(column, row) * mean);
    //# if ADD
    value += load_base(column, row);
    //# end
    store_dx(column, row, value);
  }
}

// dw = sum over rows of dy x r: partial sums over chunks of rows, added up by column_sum.
//# kernel rms_norm_weight_gradient
//# read x dy inverse_rms
//# write partial
//# sizes rows width4 chunk
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let column = group.y * ${LANES}u + lane.x;
  if (column >= size.width4) { return; }
  var sum = vec4f();
  let end = min((group.x + 1u) * size.chunk, size.rows);
  for (var row = group.x * size.chunk; row < end; row++) {
    sum += load_x(column, row) * load_dy(column, row) * load_inverse_rms(0u, row).x;
  }
  store_partial(column, group.x, sum);
}
