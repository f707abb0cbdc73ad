import assert from "node:assert/strict";
import { cosineLossModel, matmulModel, onnxModel } from "./onnx_model.ts";

/** A message of protocol buffers as its fields: numbers, or bytes. */
function decode(bytes: Uint8Array): [number, number | Uint8Array][] {
  const fields: [number, number | Uint8Array][] = [];
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1;
    while (true) {
      const byte = bytes[at++];
      value += (byte % 128) * scale;
      scale *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    if (key % 8 === 0) fields.push([key >> 3, varint()]);
    else {
      assert.equal(key % 8, 2, "a varint or bytes");
      const length = varint();
      fields.push([key >> 3, bytes.subarray(at, at += length)]);
    }
  }
  assert.equal(at, bytes.length);
  return fields;
}

const all = (bytes: Uint8Array, id: number) =>
  decode(bytes).filter(([field]) => field === id).map(([, value]) => value);
const bytesOf = (bytes: Uint8Array, id: number) => all(bytes, id)[0] as Uint8Array;
const textOf = (bytes: Uint8Array, id: number) => new TextDecoder().decode(bytesOf(bytes, id));

Deno.test("a model names its format, its operators and the shapes of its tensors", () => {
  const model = onnxModel(matmulModel(300, 5, 7));
  assert.deepEqual(all(model, 1), [8]);
  assert.deepEqual(all(bytesOf(model, 8), 2), [17]);
  const graph = bytesOf(model, 7);
  const node = bytesOf(graph, 1);
  const texts = all(node, 1).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
  assert.deepEqual([texts, textOf(node, 2), textOf(node, 4)], [["a", "b"], "c", "MatMul"]);
  const shapeOf = (value: Uint8Array) => {
    const tensor = bytesOf(bytesOf(value, 2), 1);
    assert.deepEqual(all(tensor, 1), [1], "float32");
    const dimensions = all(bytesOf(tensor, 2), 1) as Uint8Array[];
    return [textOf(value, 1), ...dimensions.map((dimension) => all(dimension, 1)[0])];
  };
  const inputs = all(graph, 11) as Uint8Array[];
  assert.deepEqual(inputs.map(shapeOf), [["a", 300, 5], ["b", 5, 7]]);
  assert.deepEqual((all(graph, 12) as Uint8Array[]).map(shapeOf), [["c", 300, 7]]);
});

Deno.test("constants are float32 scalars, axes are int64 vectors, attributes are integers", () => {
  const graph = bytesOf(onnxModel(cosineLossModel(4, 6)), 7);
  const [one, axis] = all(graph, 5) as Uint8Array[];
  assert.deepEqual([textOf(one, 8), all(one, 1), all(one, 2)], ["one", [], [1]]);
  assert.deepEqual([...bytesOf(one, 9)], [0, 0, 128, 63]);
  assert.deepEqual([textOf(axis, 8), all(axis, 1), all(axis, 2)], ["last axis", [1], [7]]);
  assert.deepEqual([...bytesOf(axis, 7)], [1]);
  const mean = (all(graph, 1) as Uint8Array[]).find((node) => textOf(node, 4) === "ReduceMean")!;
  const attribute = bytesOf(mean, 5);
  assert.deepEqual(
    [textOf(attribute, 1), all(attribute, 3), all(attribute, 20)],
    ["keepdims", [1], [2]],
  );
});
