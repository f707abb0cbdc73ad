// Layer normalisation (arXiv 1607.06450): y = (x - mean) r w + b, r = 1 / sqrt(var + eps), var with 1/width.
// The variance takes a second pass over the row: E[x^2] - mean^2 cancels where |mean| >> deviation.

// Past the last column x is zero, not the mean: those places must not enter a sum or be stored.
fn inside(column: u32, value: vec4f) -> vec4f {
  return select(vec4f(), value, vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(size.width));
}

//# kernel layer_norm_forward
//# read x weight bias
//# write y statistics
//# sizes rows width width4 inverse_width:f32 eps:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var sum = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    sum += load_x(skew(i, lane.x, size.width4), row);
  }
  let mean = dot(sum, vec4f(size.inverse_width));
  var squares = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let centred = inside(column, load_x(column, row) - mean);
    squares += centred * centred;
  }
  let r = 1.0 / sqrt(dot(squares, vec4f(size.inverse_width)) + size.eps);
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, (load_x(column, row) - mean) * r * load_weight(column, 0u) + load_bias(column, 0u));
  }
  store_statistics(0u, row, vec4f(mean, r, 0.0, 0.0));
}

// With n = (x - mean) r and g = w dy: dx = r (g - mean(g) - n mean(g n))
//# kernel layer_norm_backward
//# read x weight dy statistics
//# read base if ADD
//# write dx
//# sizes rows width width4 inverse_width:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let statistics = load_statistics(0u, row);
  var sum = vec4f();
  var products = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let g = load_weight(column, 0u) * load_dy(column, row);
    sum += g;
    products += g * (load_x(column, row) - statistics.x) * statistics.y;
  }
  let mean_g = dot(sum, vec4f(size.inverse_width));
  let mean_gn = dot(products, vec4f(size.inverse_width));
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let n = (load_x(column, row) - statistics.x) * statistics.y;
    var value = inside(column, statistics.y * (load_weight(column, 0u) * load_dy(column, row) - mean_g - n * mean_gn));
    //# if ADD
    value += load_base(column, row);
    //# end
    store_dx(column, row, value);
  }
}

//# kernel layer_norm_weight_gradient
//# read x dy statistics
//# write partial
//# sizes rows width width4 chunk
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let column = group.y * ${LANES}u + lane.x;
  if (column >= size.width4) { return; }
  var sum = vec4f();
  let end = min((group.x + 1u) * size.chunk, size.rows);
  for (var row = group.x * size.chunk; row < end; row++) {
    let statistics = load_statistics(0u, row);
    sum += load_dy(column, row) * (load_x(column, row) - statistics.x) * statistics.y;
  }
  store_partial(column, group.x, inside(column, sum));
}
