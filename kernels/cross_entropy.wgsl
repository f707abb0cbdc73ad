// Softmax cross-entropy over rows with a label each; label < 0 marks a row that does not count.
//
//   loss_row = logsumexp(x) - x[label]          dx = (softmax(x) - onehot(label)) step.token_scale
//
// Forward and backward in one kernel: the maximum and the sum are found in one pass (arXiv
// 1805.02867), and the logits are read once more for the gradient.

//# kernel cross_entropy
//# read x
//# write dx loss
//# ints labels
//# step
//# sizes rows width width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let label = labels[row];
  var maximum = -1e30;
  var sum = 0.0;
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let index = vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u);
    let x = select(vec4f(-1e30), load_x(column, row), index < vec4u(size.width));
    let next = max(maximum, max(max(x.x, x.y), max(x.z, x.w)));
    sum = sum * exp(maximum - next) + dot(exp(x - next), vec4f(1.0));
    maximum = next;
  }
  var scale = 0.0;
  var loss = 0.0;
  if (label >= 0) {
    scale = step.token_scale;
    loss = maximum - load_x(u32(label) / 4u, row)[u32(label) % 4u] + log(sum);
  }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let index = vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u);
    let x = select(vec4f(-1e30), load_x(column, row), index < vec4u(size.width));
    let target_one = select(vec4f(), vec4f(1.0), vec4i(index) == vec4i(label));
    store_dx(column, row, (exp(x - maximum) / sum - target_one) * scale);
  }
  store_loss(0u, row, vec4f(loss, maximum + log(sum), 0.0, 0.0));
}
