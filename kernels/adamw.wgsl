// AdamW with decoupled weight decay (arXiv 1711.05101, algorithm 2) and clipping by the global norm.
//
// Squares of the gradients are summed row by row into `partial`, then per clip group into
// `norms[2 group]` = norm and `norms[2 group + 1]` = min(1, clip / (norm + 1e-6)).

//# kernel gradient_squares
//# read gradient
//# floats_out partial
//# sizes rows width4 offset
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var squares = vec4f();
  for (var i = 0u; i < size.width4; i++) {
    let g = load_gradient(skew(i, lane.x, size.width4), row);
    squares += g * g;
  }
  partial[size.offset + row] = dot(squares, vec4f(1.0));
}

//# kernel clip_scale
//# floats_in partial
//# floats_out norms ring
//# step
//# sizes offset count clip_group clip:f32
var<workgroup> totals: array<f32, ${LANES}>;

@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = 0.0;
  for (var i = lane.x; i < size.count; i += ${LANES}u) {
    sum += partial[size.offset + i];
  }
  totals[lane.x] = sum;
  workgroupBarrier();
  if (lane.x == 0u) {
    var total = 0.0;
    for (var i = 0u; i < ${LANES}u; i++) { total += totals[i]; }
    let norm = sqrt(total);
    norms[2u * size.clip_group] = norm;
    // No clipping is written as a clip of 0.
    norms[2u * size.clip_group + 1u] = select(min(1.0, size.clip / (norm + 1e-6)), 1.0, size.clip == 0.0);
    ring[step.slot * 4u + 2u + size.clip_group] = norm;
  }
}

// The weight that kernels read is the master itself where that is a storage buffer; an image is
// written beside it (MIRROR), since WebGPU has no images that are read and written in one dispatch.
//# kernel adamw
//# read gradient
//# write mirror if MIRROR
//# state master m v
//# floats_in norms
//# step
//# sizes rows width4 clip_group optimizer_group beta1:f32 beta2:f32 rest1:f32 rest2:f32 eps:f32 weight_decay:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let scale = norms[2u * size.clip_group + 1u];
  let rate = step.learning_rate[size.optimizer_group];
  let correction1 = step.correction1[size.optimizer_group];
  let correction2 = step.correction2[size.optimizer_group];
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let g = load_gradient(column, row) * scale;
    let m = size.beta1 * load_m(column, row) + size.rest1 * g;
    let v = size.beta2 * load_v(column, row) + size.rest2 * g * g;
    let w = load_master(column, row);
    let next = w - rate * size.weight_decay * w - rate * (m * correction1) / (sqrt(v * correction2) + size.eps);
    store_master(column, row, next);
    //# if MIRROR
    store_mirror(column, row, next);
    //# end
    store_m(column, row, m);
    store_v(column, row, v);
  }
}
