// Inverted dropout (Srivastava et al., JMLR 15, 2014): each element is kept with probability
// 1 - rate and then divided by it, so that its expectation stays.
//
// The gradient is the same map of the gradient. No mask is stored: one hash of (site and four
// columns, row, step, seed) gives four random words, and an element is dropped whose word is below
// rate 2^32.

// pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
fn hash(key: vec4u) -> vec4u {
  var v = mix_words(key * 1664525u + 1013904223u);
  v ^= v >> vec4u(16u);
  return mix_words(v);
}

fn mix_words(words: vec4u) -> vec4u {
  var v = words;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

//# kernel dropout
//# read x
//# read base if ADD
//# write y
//# step
//# sizes rows width4 site threshold scale:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    let word = hash(vec4u((size.site << 16u) | column, row, step.number, step.seed));
    var value = select(vec4f(), load_x(column, row) * size.scale, word >= vec4u(size.threshold));
    //# if ADD
    value += load_base(column, row);
    //# end
    store_y(column, row, value);
  }
}
