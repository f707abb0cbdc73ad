// VICReg (arXiv 2105.04906) on one branch: what keeps the columns of z from collapsing.
//
// With zc the centred columns and C = zc^T zc / (rows - 1), the two terms' gradient by z is zc W with a
// symmetric W, so that one product gives it.

// y = x - sums / rows, with the column sums of x.
//# kernel centre_columns
//# read x sums
//# write y
//# sizes rows width4 inverse_rows:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    store_y(column, row, load_x(column, row) - load_sums(column, 0u) * size.inverse_rows);
  }
}

// A row j of zc^T zc:
//   loss_j = variance max(0, gamma - s_j) + covariance sum over k != j of C_jk^2,   s_j = sqrt(C_jj + eps)
// and the row of W of their mean over the columns, times step.lambda.
//# kernel vicreg_terms
//# read products gamma
//# write weights loss
//# step
//# sizes width width4 variance:f32 covariance:f32 eps:f32 inverse_freedom:f32 inverse_width:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.width) { return; }
  let own = load_products(row / 4u, row)[row % 4u] * size.inverse_freedom;
  let deviation = sqrt(own + size.eps);
  let scale = step.lambda * size.inverse_freedom * size.inverse_width;
  let gamma = load_gamma(0u, 0u).x;
  let own_weight = select(0.0, -size.variance / deviation, deviation < gamma);
  var squares = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let index = vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u);
    let is_own = index == vec4u(row);
    let other = select(load_products(column, row) * size.inverse_freedom, vec4f(), is_own);
    squares += other * other;
    store_weights(column, row, scale * select(4.0 * size.covariance * other, vec4f(own_weight), is_own));
  }
  let lacking = max(0.0, gamma - deviation);
  let covariances = dot(squares, vec4f(1.0));
  store_loss(0u, row, vec4f(size.variance * lacking + size.covariance * covariances, lacking, covariances, deviation));
}
