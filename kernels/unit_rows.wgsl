// Rows of length one, or with SCALE of length s = exp(log_scale): y = s u, u = x / |x|.
// A row of zeros stays one, and its gradient is zero.

//# kernel unit_rows_forward
//# read x
//# read log_scale if SCALE
//# write y inverse_norm
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var squares = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let x = load_x(skew(i, lane.x, size.width4), row);
    squares += x * x;
  }
  let norm = sqrt(dot(squares, vec4f(1.0)));
  var inverse = 0.0;
  if (norm > 0.0) { inverse = 1.0 / norm; }
  var scale = inverse;
  //# if SCALE
  scale *= exp(load_log_scale(0u, 0u).x);
  //# end
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row) * scale);
  }
  store_inverse_norm(0u, row, vec4f(inverse));
}

// dx = s / |x| (dy - u (u . dy)).  d log_scale = sum over rows of y . dy: a row's share in `products`.
//# kernel unit_rows_backward
//# read x dy inverse_norm
//# read log_scale if SCALE
//# read base if ADD
//# write dx
//# write products if SCALE
//# sizes rows width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let inverse = load_inverse_norm(0u, row).x;
  var scale = 1.0;
  //# if SCALE
  scale = exp(load_log_scale(0u, 0u).x);
  //# end
  var sum = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    sum += load_x(column, row) * load_dy(column, row);
  }
  let along = dot(sum, vec4f(inverse));
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var value = scale * inverse * (load_dy(column, row) - load_x(column, row) * inverse * along);
    //# if ADD
    value += load_base(column, row);
    //# end
    store_dx(column, row, value);
  }
  //# if SCALE
  store_products(0u, row, vec4f(scale * along, 0.0, 0.0, 0.0));
  //# end
}
