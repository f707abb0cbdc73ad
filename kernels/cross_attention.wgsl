// Cross-attention (arXiv 2204.14198, figure 4): a query row attends to a run of `latents` rows of
// another matrix, from `first_latent[row]` on; a row with -1 there has output and log-sum-exp 0.
//
// q (rows, heads head_dim) holds queries, kv (all latents, 2 heads head_dim) keys and values side by
// side. As in attention.wgsl scores are never stored. An invocation owns one row of one head.

//# kernel cross_attention_forward
//# operand q kv
//# write y logsumexp
//# ints first_latent
//# sizes rows heads latents scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let head = group.y;
  let column = head * ${HEAD4}u;
  let value_column = (size.heads + head) * ${HEAD4}u;
  let first = first_latent[row];
  var maximum = -1e30;
  var sum = 0.0;
  //# for i in HEAD4
  let q_${i} = load_q(column + ${i}u, row) * size.scale_log2e;
  var o_${i} = vec4f();
  //# end
  let count = select(size.latents, 0u, first < 0);
  for (var t = 0u; t < count; t++) {
    let latent = u32(first) + t;
    var s = vec4f();
    //# for i in HEAD4
    s += q_${i} * load_kv(column + ${i}u, latent);
    //# end
    let score = dot(s, vec4f(1.0));
    let next = max(maximum, score);
    let keep = exp2(maximum - next);
    let weight = exp2(score - next);
    maximum = next;
    sum = sum * keep + weight;
    //# for i in HEAD4
    o_${i} = o_${i} * keep + load_kv(value_column + ${i}u, latent) * weight;
    //# end
  }
  let inverse = select(1.0 / max(sum, 1e-30), 0.0, first < 0);
  //# for i in HEAD4
  store_y(column + ${i}u, row, o_${i} * inverse);
  //# end
  store_logsumexp(head, row, vec4f(select(maximum + log2(max(sum, 1e-30)), 0.0, first < 0)));
}

// dq = scale sum_j p_j (do.v_j - delta) k_j, delta = do.y. Leaves (logsumexp, delta) for the latents.
//# kernel cross_attention_backward_query
//# operand q kv
//# read y dy logsumexp
//# write dq terms
//# ints first_latent
//# sizes rows heads latents scale:f32 scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let head = group.y;
  let column = head * ${HEAD4}u;
  let value_column = (size.heads + head) * ${HEAD4}u;
  let first = first_latent[row];
  let log = load_logsumexp(head, row).x;
  var products = vec4f();
  //# for i in HEAD4
  let q_${i} = load_q(column + ${i}u, row);
  let do_${i} = load_dy(column + ${i}u, row);
  products += do_${i} * load_y(column + ${i}u, row);
  var dq_${i} = vec4f();
  //# end
  let delta = dot(products, vec4f(1.0));
  let count = select(size.latents, 0u, first < 0);
  for (var t = 0u; t < count; t++) {
    let latent = u32(first) + t;
    var s = vec4f();
    var u = vec4f();
    //# for i in HEAD4
    let k_${i} = load_kv(column + ${i}u, latent);
    s += q_${i} * k_${i};
    u += do_${i} * load_kv(value_column + ${i}u, latent);
    //# end
    let ds = exp2(dot(s, vec4f(size.scale_log2e)) - log) * (dot(u, vec4f(1.0)) - delta);
    //# for i in HEAD4
    dq_${i} += k_${i} * ds;
    //# end
  }
  //# for i in HEAD4
  store_dq(column + ${i}u, row, dq_${i} * size.scale);
  //# end
  store_terms(head, row, vec4f(log, delta, 0.0, 0.0));
}

// dk_j = scale sum_i p_ij (do_i.v_j - delta_i) q_i, dv_j = sum_i p_ij do_i, over the rows that attend to
// latent j: from `readers[2 j]` up to, without, `readers[2 j + 1]`.
//# kernel cross_attention_backward_key_value
//# operand q kv dy
//# read terms
//# write dkv
//# ints readers
//# sizes latents heads scale:f32 scale_log2e:f32
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let latent = group.x * ${LANES}u + lane.x;
  if (latent >= size.latents) { return; }
  let head = group.y;
  let column = head * ${HEAD4}u;
  let value_column = (size.heads + head) * ${HEAD4}u;
  //# for i in HEAD4
  let k_${i} = load_kv(column + ${i}u, latent);
  let v_${i} = load_kv(value_column + ${i}u, latent);
  var dk_${i} = vec4f();
  var dv_${i} = vec4f();
  //# end
  let end = u32(readers[2u * latent + 1u]);
  for (var row = u32(readers[2u * latent]); row < end; row++) {
    let term = load_terms(head, row);
    var s = vec4f();
    var u = vec4f();
    //# for i in HEAD4
    let q_${i} = load_q(column + ${i}u, row);
    let do_${i} = load_dy(column + ${i}u, row);
    s += k_${i} * q_${i};
    u += v_${i} * do_${i};
    //# end
    let p = exp2(dot(s, vec4f(size.scale_log2e)) - term.x);
    let ds = p * (dot(u, vec4f(1.0)) - term.y);
    //# for i in HEAD4
    dk_${i} += q_${i} * ds;
    dv_${i} += do_${i} * p;
    //# end
  }
  //# for i in HEAD4
  store_dkv(column + ${i}u, latent, dk_${i} * size.scale);
  store_dkv(value_column + ${i}u, latent, dv_${i});
  //# end
}
