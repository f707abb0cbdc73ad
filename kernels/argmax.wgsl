// Greedy choice: the index of the largest logit of a row, the first one where several are equal.
// The choice is kept twice: as the next input and in the list of all generated tokens.

//# kernel argmax
//# read x
//# ints_out next tokens
//# step
//# sizes rows width width4
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.x * ${LANES}u + lane.x;
  if (row >= size.rows) { return; }
  var best = -1e30;
  var index = 0u;
  for (var column = 0u; column < size.width4; column++) {
    let x = load_x(column, row);
    //# for c in 4
    if (x[${c}] > best && column * 4u + ${c}u < size.width) {
      best = x[${c}];
      index = column * 4u + ${c}u;
    }
    //# end
  }
  next[row] = i32(index);
  tokens[step.slot * size.rows + row] = i32(index);
}
