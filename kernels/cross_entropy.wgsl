// Softmax cross-entropy over rows with a label each; label < 0 marks a row that does not count.
//
//   loss_row = logsumexp(x) - x[label]          dx = (softmax(x) - onehot(label)) step.token_scale
//
// With a teacher's logits t (arXiv 2407.04600) the target is xi softmax(t) + (1 - xi) onehot(label) in
// the gradient; the loss that is stored stays the one by the label, and beside it stands the one by the teacher:
//
//   taught_row = logsumexp(x) - sum softmax(t) x
//
// Forward and backward in one kernel: the maximum and the sum are found in one pass (arXiv
// 1805.02867), and the logits are read once more for the gradient.

//# kernel cross_entropy
//# read x
//# read teacher if TAUGHT
//# write dx loss
//# ints labels
//# step
//# sizes rows width width4 xi:f32
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
  //# if TAUGHT
  var teacher_maximum = -1e30;
  var teacher_sum = 0.0;
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let index = vec4u(column * 4u) + vec4u(0u, 1u, 2u, 3u);
    let t = select(vec4f(-1e30), load_teacher(column, row), index < vec4u(size.width));
    let next = max(teacher_maximum, max(max(t.x, t.y), max(t.z, t.w)));
    teacher_sum = teacher_sum * exp(teacher_maximum - next) + dot(exp(t - next), vec4f(1.0));
    teacher_maximum = next;
  }
  var taught = vec4f();
  //# end
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
    //# if TAUGHT
    let is_inside = index < vec4u(size.width);
    let t = select(vec4f(-1e30), load_teacher(column, row), is_inside);
    let share = exp(t - teacher_maximum) / teacher_sum;
    taught += select(vec4f(), share * x, is_inside);
    let target_one = size.xi * share +
      (1.0 - size.xi) * select(vec4f(), vec4f(1.0), vec4i(index) == vec4i(label));
    //# else
    let target_one = select(vec4f(), vec4f(1.0), vec4i(index) == vec4i(label));
    //# end
    store_dx(column, row, (exp(x - maximum) / sum - target_one) * scale);
  }
  //# if TAUGHT
  let teacher_loss = select(0.0, maximum + log(sum) - dot(taught, vec4f(1.0)), label >= 0);
  store_loss(0u, row, vec4f(loss, maximum + log(sum), teacher_loss, 0.0));
  //# else
  store_loss(0u, row, vec4f(loss, maximum + log(sum), 0.0, 0.0));
  //# end
}
