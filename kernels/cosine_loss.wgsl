// Row cosine loss: loss_row = 1 - cos(x, y), cos = x.y / (max(|x|, eps) max(|y|, eps)), eps = 1e-8.
//
// Forward and backward in one kernel, gradients times scale = step.lambda / rows:
//   dx = -scale (y / (|x| |y|) - x cos / |x|^2)    and the same for y with the sides exchanged.
// A row whose norm is below eps gets gradient 0: the true one would be about 1/eps.
// DX and DY choose the sides that are not detached.

//# kernel cosine_loss
//# operand x y
//# write dx if DX
//# write dy if DY
//# write loss
//# step
//# sizes rows width4 inverse_rows:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var products = vec4f();
  var squares_x = vec4f();
  var squares_y = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let x = load_x(column, row);
    let y = load_y(column, row);
    products += x * y;
    squares_x += x * x;
    squares_y += y * y;
  }
  let norm_x = sqrt(dot(squares_x, vec4f(1.0)));
  let norm_y = sqrt(dot(squares_y, vec4f(1.0)));
  let inverse_x = 1.0 / max(norm_x, 1e-8);
  let inverse_y = 1.0 / max(norm_y, 1e-8);
  let cosine = dot(products, vec4f(1.0)) * inverse_x * inverse_y;
  let scale = step.lambda * size.inverse_rows;
  let scale_x = select(scale, 0.0, norm_x < 1e-8);
  let scale_y = select(scale, 0.0, norm_y < 1e-8);
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let unit_x = load_x(column, row) * inverse_x;
    let unit_y = load_y(column, row) * inverse_y;
    //# if DX
    store_dx(column, row, -scale_x * inverse_x * (unit_y - unit_x * cosine));
    //# end
    //# if DY
    store_dy(column, row, -scale_y * inverse_y * (unit_x - unit_y * cosine));
    //# end
  }
  store_loss(0u, row, vec4f(1.0 - cosine, cosine, norm_x, norm_y));
}
