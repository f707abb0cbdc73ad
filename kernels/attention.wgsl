// Attention with grouped key/value heads over a prefix and blocks (packed questions).
//
// A sequence is a prefix of `prefix` tokens followed by blocks of `block` tokens. A prefix token
// attends to the prefix up to itself; a token of a block attends to the whole prefix and to its own
// block up to itself. A plain causal sequence is a prefix without blocks. With FULL there are no
// blocks, and every token attends to all.
//
// x (batch * sequence, (heads + 2 kv_heads) head_dim) holds queries, keys and values side by side.
// Scores are never stored: the forward pass keeps a running maximum and sum (arXiv 2205.14135,
// algorithm 1) and leaves log2-sum-exp2 of each row, from which the backward pass makes the
// probabilities again. An invocation owns four neighbouring tokens of one head. The lanes of a
// workgroup are (batch, head) pairs on the same four tokens, so they all run the same loop.

// With ROPE, x holds rotated queries and keys, and their gradients are turned back before they are
// stored.

//# if ROPE
//# include rotate
//# end

struct Place {
  // First row of the batch entry, first column group of the head.
  base: u32,
  head: u32,
  inside: bool,
  // First of the four tokens, one past the last token that exists among them, first token of the
  // own run (0 or the block's start), one past the last token that attends to this run.
  first: u32,
  limit: u32,
  start: u32,
  end: u32,
  // Tokens attended to before the own run: the prefix, for a block.
  before: u32,
  // Tokens that the last of the four attends to, and the first token that attends to the first.
  seen: u32,
  seer: u32,
}

fn sees(query: u32, key: u32) -> bool {
  //# if FULL
  return true;
  //# else
  return key <= query;
  //# end
}

fn place(group: vec3u, lane: u32, heads: u32) -> Place {
  var p: Place;
  let pair = group.y * ${LANES}u + lane;
  p.inside = pair < size.batch * heads;
  let clamped = min(pair, size.batch * heads - 1u);
  p.base = (clamped / heads) * size.sequence;
  p.head = clamped % heads;
  let prefix_groups = (size.prefix + 3u) / 4u;
  if (group.x < prefix_groups) {
    p.first = group.x * 4u;
    p.start = 0u;
    p.limit = size.prefix;
    p.end = size.sequence;
    p.before = 0u;
  } else {
    let groups = (size.block + 3u) / 4u;
    let index = group.x - prefix_groups;
    p.start = size.prefix + (index / groups) * size.block;
    p.first = p.start + (index % groups) * 4u;
    p.limit = p.start + size.block;
    p.end = p.limit;
    p.before = size.prefix;
  }
  //# if FULL
  p.seen = size.prefix;
  p.seer = 0u;
  //# else
  p.seen = p.before + min(p.first + 4u, p.limit) - p.start;
  p.seer = p.first;
  //# end
  return p;
}

//# kernel attention_forward
//# operand x
//# write y logsumexp
//# sizes batch sequence prefix block heads kv_heads scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let p = place(group, lane.x, size.heads);
  let kv_head = p.head / (size.heads / size.kv_heads);
  let query_column = p.head * ${HEAD4}u;
  let key_column = (size.heads + kv_head) * ${HEAD4}u;
  let value_column = (size.heads + size.kv_heads + kv_head) * ${HEAD4}u;
  //# for r in 4
  let row_${r} = p.base + min(p.first + ${r}u, p.limit - 1u);
  var maximum_${r} = -1e30;
  var sum_${r} = 0.0;
  //# for i in HEAD4
  let q_${r}_${i} = load_x(query_column + ${i}u, row_${r}) * size.scale_log2e;
  var o_${r}_${i} = vec4f();
  //# end
  //# end
  // Tokens 0..before, then start..first + 4, the last three masked where they lie ahead.
  for (var t = 0u; t < p.seen; t++) {
    let j = select(p.start + t - p.before, t, t < p.before);
    let row = p.base + j;
    //# for r in 4
    var s_${r} = vec4f();
    //# end
    //# for i in HEAD4
    let k_${i} = load_x(key_column + ${i}u, row);
    //# for r in 4
    s_${r} += q_${r}_${i} * k_${i};
    //# end
    //# end
    //# for r in 4
    let score_${r} = select(-1e30, dot(s_${r}, vec4f(1.0)), sees(p.first + ${r}u, j));
    let next_${r} = max(maximum_${r}, score_${r});
    let keep_${r} = exp2(maximum_${r} - next_${r});
    let weight_${r} = exp2(score_${r} - next_${r});
    maximum_${r} = next_${r};
    sum_${r} = sum_${r} * keep_${r} + weight_${r};
    //# end
    //# for i in HEAD4
    let v_${i} = load_x(value_column + ${i}u, row);
    //# for r in 4
    o_${r}_${i} = o_${r}_${i} * keep_${r} + v_${i} * weight_${r};
    //# end
    //# end
  }
  //# for r in 4
  if (p.inside && p.first + ${r}u < p.limit) {
    let inverse = 1.0 / sum_${r};
    //# for i in HEAD4
    store_y(query_column + ${i}u, row_${r}, o_${r}_${i} * inverse);
    //# end
    store_logsumexp(p.head, row_${r}, vec4f(maximum_${r} + log2(sum_${r})));
  }
  //# end
}

// dq = scale * sum_j p_j (do.v_j - delta) k_j, delta = do.y. Leaves (logsumexp, delta) for the keys.
//# kernel attention_backward_query
//# operand x dy
//# read y logsumexp
//# read table if ROPE
//# write dx rows
//# ints positions if ROPE
//# sizes batch sequence prefix block heads kv_heads scale:f32 scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let p = place(group, lane.x, size.heads);
  let kv_head = p.head / (size.heads / size.kv_heads);
  let query_column = p.head * ${HEAD4}u;
  let key_column = (size.heads + kv_head) * ${HEAD4}u;
  let value_column = (size.heads + size.kv_heads + kv_head) * ${HEAD4}u;
  //# for r in 4
  let row_${r} = p.base + min(p.first + ${r}u, p.limit - 1u);
  var products_${r} = vec4f();
  //# for i in HEAD4
  let q_${r}_${i} = load_x(query_column + ${i}u, row_${r});
  let do_${r}_${i} = load_dy(query_column + ${i}u, row_${r});
  products_${r} += do_${r}_${i} * load_y(query_column + ${i}u, row_${r});
  var dq_${r}_${i} = vec4f();
  //# end
  let delta_${r} = dot(products_${r}, vec4f(1.0));
  let log_${r} = load_logsumexp(p.head, row_${r}).x;
  //# end
  for (var t = 0u; t < p.seen; t++) {
    let j = select(p.start + t - p.before, t, t < p.before);
    let row = p.base + j;
    //# for r in 4
    var s_${r} = vec4f();
    var u_${r} = vec4f();
    //# end
    //# for i in HEAD4
    let k_${i} = load_x(key_column + ${i}u, row);
    //# for r in 4
    s_${r} += q_${r}_${i} * k_${i};
    //# end
    //# end
    //# for i in HEAD4
    let v_${i} = load_x(value_column + ${i}u, row);
    //# for r in 4
    u_${r} += do_${r}_${i} * v_${i};
    //# end
    //# end
    //# for r in 4
    let ds_${r} = select(0.0, exp2(dot(s_${r}, vec4f(size.scale_log2e)) - log_${r}), sees(p.first + ${r}u, j)) * (dot(u_${r}, vec4f(1.0)) - delta_${r});
    //# end
    //# for i in HEAD4
    //# for r in 4
    dq_${r}_${i} += k_${i} * ds_${r};
    //# end
    //# end
  }
  //# for r in 4
  if (p.inside && p.first + ${r}u < p.limit) {
    //# if ROPE
    let position = u32(positions[row_${r}]);
    //# end
    //# for i in HEAD4
    //# if ROPE
    store_dx(query_column + ${i}u, row_${r}, rotate_back(dq_${r}_${i} * size.scale, load_table(${i}u, position)));
    //# else
    store_dx(query_column + ${i}u, row_${r}, dq_${r}_${i} * size.scale);
    //# end
    //# end
    store_rows(p.head, row_${r}, vec4f(log_${r}, delta_${r}, 0.0, 0.0));
  }
  //# end
}

// dk_j = scale * sum_i p_ij (do_i.v_j - delta_i) q_i, dv_j = sum_i p_ij do_i, over the group's query heads.
//# kernel attention_backward_key_value
//# operand x dy
//# read rows
//# read table if ROPE
//# write dx
//# ints positions if ROPE
//# sizes batch sequence prefix block heads kv_heads scale:f32 scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let p = place(group, lane.x, size.kv_heads);
  let heads_per_group = size.heads / size.kv_heads;
  let key_column = (size.heads + p.head) * ${HEAD4}u;
  let value_column = (size.heads + size.kv_heads + p.head) * ${HEAD4}u;
  //# for r in 4
  let row_${r} = p.base + min(p.first + ${r}u, p.limit - 1u);
  //# for i in HEAD4
  let k_${r}_${i} = load_x(key_column + ${i}u, row_${r});
  let v_${r}_${i} = load_x(value_column + ${i}u, row_${r});
  var dk_${r}_${i} = vec4f();
  var dv_${r}_${i} = vec4f();
  //# end
  //# end
  for (var head = p.head * heads_per_group; head < (p.head + 1u) * heads_per_group; head++) {
    for (var t = p.seer; t < p.end; t++) {
      let row = p.base + t;
      let log_delta = load_rows(head, row);
      //# for r in 4
      var s_${r} = vec4f();
      var u_${r} = vec4f();
      //# end
      //# for i in HEAD4
      let q_${i} = load_x(head * ${HEAD4}u + ${i}u, row);
      let do_${i} = load_dy(head * ${HEAD4}u + ${i}u, row);
      //# for r in 4
      s_${r} += k_${r}_${i} * q_${i};
      u_${r} += v_${r}_${i} * do_${i};
      //# end
      //# end
      //# for r in 4
      let p_${r} = select(0.0, exp2(dot(s_${r}, vec4f(size.scale_log2e)) - log_delta.x), sees(t, p.first + ${r}u));
      let ds_${r} = p_${r} * (dot(u_${r}, vec4f(1.0)) - log_delta.y);
      //# end
      //# for i in HEAD4
      //# for r in 4
      dk_${r}_${i} += q_${i} * ds_${r};
      dv_${r}_${i} += do_${i} * p_${r};
      //# end
      //# end
    }
  }
  //# for r in 4
  if (p.inside && p.first + ${r}u < p.limit) {
    //# if ROPE
    let position = u32(positions[row_${r}]);
    //# end
    //# for i in HEAD4
    //# if ROPE
    store_dx(key_column + ${i}u, row_${r}, rotate_back(dk_${r}_${i} * size.scale, load_table(${i}u, position)));
    //# else
    store_dx(key_column + ${i}u, row_${r}, dk_${r}_${i} * size.scale);
    //# end
    store_dx(value_column + ${i}u, row_${r}, dv_${r}_${i});
    //# end
  }
  //# end
}

// One new token a block against the cached keys and values of its prefix and block, itself included.
// x (batch * blocks, ...) holds the new queries. The cache holds the columns of the sequence's
// projections from `column0` on: all of them, or keys and values alone.
//# kernel attention_decode
//# read x cache
//# write y
//# ints lengths
//# step
//# sizes batch sequence prefix block heads kv_heads rows column0 scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let blocks = size.rows / size.batch;
  let base = (row / blocks) * size.sequence;
  let start = size.prefix + (row % blocks) * size.block;
  let head = group.y;
  let kv_head = head / (size.heads / size.kv_heads);
  let key_column = (size.heads + kv_head) * ${HEAD4}u - size.column0;
  let value_column = key_column + size.kv_heads * ${HEAD4}u;
  var maximum = -1e30;
  var sum = 0.0;
  //# for i in HEAD4
  let q_${i} = load_x(head * ${HEAD4}u + ${i}u, row) * size.scale_log2e;
  var o_${i} = vec4f();
  //# end
  let count = size.prefix + min(u32(lengths[row]) + step.slot, size.block);
  for (var t = 0u; t < count; t++) {
    let cached = base + select(start + t - size.prefix, t, t < size.prefix);
    var s = vec4f();
    //# for i in HEAD4
    s += q_${i} * load_cache(key_column + ${i}u, cached);
    //# end
    let score = dot(s, vec4f(1.0));
    let next = max(maximum, score);
    let keep = exp2(maximum - next);
    let weight = exp2(score - next);
    maximum = next;
    sum = sum * keep + weight;
    //# for i in HEAD4
    o_${i} = o_${i} * keep + load_cache(value_column + ${i}u, cached) * weight;
    //# end
  }
  //# for i in HEAD4
  store_y(head * ${HEAD4}u + ${i}u, row, o_${i} / sum);
  //# end
}

// Writes the new keys and values into the cache behind the tokens that are there.
//# kernel cache_append
//# read x
//# write cache
//# ints lengths
//# step
//# sizes batch sequence prefix block rows keys4 width4 column0
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let blocks = size.rows / size.batch;
  let position = u32(lengths[row]) + step.slot - 1u;
  if (position >= size.block) { return; }
  let cached = (row / blocks) * size.sequence + size.prefix + (row % blocks) * size.block + position;
  for (var column = size.keys4; column < size.width4; column++) {
    store_cache(column - size.column0, cached, load_x(column, row));
  }
}
