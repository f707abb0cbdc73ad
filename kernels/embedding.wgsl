// Embedding gather and its scatter-add.
//
// `sources[row]` >= 0 names a row of `table` (a token), -1 - i row i of `images` (an image token).
// The table may be a band of a larger one, rows `first`..`first + count`: then only the rows of y whose
// tokens lie in it are written, and the image tokens by the first band.
//
// The gradient of the table adds up by sorted positions, `starts[token]..starts[token + 1]` in
// `places`: no atomics, so the order of the sum is the same in every run.

fn in_band(source: i32, first: u32, count: u32) -> bool {
  if (source < 0) { return first == 0u; }
  return (u32(source) - first) < count;
}

//# kernel embedding_forward
//# read table images
//# write y
//# ints sources
//# sizes rows width4 first count
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let source = sources[row];
  if (!in_band(source, size.first, size.count)) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var value: vec4f;
    if (source >= 0) {
      value = load_table(column, u32(source) - size.first);
    } else {
      value = load_images(column, u32(-1 - source));
    }
    store_y(column, row, value);
  }
}

//# kernel embedding_backward
//# read dy
//# read base if ADD
//# write dtable
//# ints starts places
//# sizes rows width4 first groups
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let column = group.y * ${LANES}u + lane.x;
  if (column >= size.width4) { return; }
  // A table may have more rows than a dispatch has workgroups.
  for (var row = group.x; row < size.rows; row += size.groups) {
    var sum = vec4f();
    let token = row + size.first;
    let end = starts[token + 1u];
    for (var k = starts[token]; k < end; k++) {
      sum += load_dy(column, u32(places[k]));
    }
    //# if ADD
    sum += load_base(column, row);
    //# end
    store_dtable(column, row, sum);
  }
}

// y[row] = x[rows_of[row]], zero where rows_of is negative. With the inverse map it is its own gradient.
// x may be a band as above, and y may take the columns from `column0` on.
//# kernel gather_rows
//# read x
//# read base if ADD
//# write y
//# ints rows_of
//# sizes rows width4 first count column0
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  let source = rows_of[row];
  if (!in_band(source, size.first, size.count)) { return; }
  for (var i = 0u; i < size.width4; i++) {
    let column = skew(i, lane.x, size.width4);
    var value = vec4f();
    if (source >= 0) {
      value = load_x(column + size.column0, u32(source) - size.first);
    }
    //# if ADD
    value += load_base(column, row);
    //# end
    store_y(column, row, value);
  }
}
