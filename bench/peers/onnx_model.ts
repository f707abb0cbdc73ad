/**
 * ONNX models of one graph, written by hand.
 *
 * Only what the comparison needs of the format: messages of protocol buffers
 * (protobuf.dev/programming-guides/encoding) with the field numbers of onnx.proto3
 * (github.com/onnx/onnx), float32 tensors of fixed shape, integer attributes.
 */

/** A node: operator, inputs, output, integer attributes. */
export interface OnnxNode {
  operator: string;
  inputs: string[];
  output: string;
  attributes?: Record<string, number>;
}

/** A graph of float32 tensors. */
export interface OnnxGraph {
  nodes: OnnxNode[];
  inputs: Record<string, number[]>;
  outputs: Record<string, number[]>;
  /** Scalars that are part of the model. */
  constants?: Record<string, number>;
  /** Axes and the like: int64 vectors that are part of the model. */
  integers?: Record<string, number[]>;
}

// ONNX IR version 8 and operator set 17: known to every onnxruntime since 1.12.
const IR_VERSION = 8;
const OPERATOR_SET = 17;

const FLOAT = 1;
const INT64 = 7;

/** The bytes of a model. */
export function onnxModel(graph: OnnxGraph): Uint8Array<ArrayBuffer> {
  const { nodes, inputs, outputs, constants = {}, integers = {} } = graph;
  const encoded = [
    ...nodes.flatMap((node) => field(1, encodeNode(node))),
    ...field(2, utf8("graph")),
    ...Object.entries(constants).flatMap(([name, value]) =>
      field(5, [
        ...number(2, FLOAT),
        ...field(8, utf8(name)),
        ...field(9, float32(value)),
      ])
    ),
    ...Object.entries(integers).flatMap(([name, values]) =>
      field(5, [
        ...number(1, values.length),
        ...number(2, INT64),
        ...field(7, values.flatMap(varint)),
        ...field(8, utf8(name)),
      ])
    ),
    ...Object.entries(inputs).flatMap(([name, shape]) => field(11, encodeValue(name, shape))),
    ...Object.entries(outputs).flatMap(([name, shape]) => field(12, encodeValue(name, shape))),
  ];
  return Uint8Array.from([
    ...number(1, IR_VERSION),
    ...field(7, encoded),
    ...field(8, number(2, OPERATOR_SET)),
  ]);
}

/** C = A B. */
export function matmulModel(
  rows: number,
  inner: number,
  columns: number,
): OnnxGraph {
  return {
    nodes: [{ operator: "MatMul", inputs: ["a", "b"], output: "c" }],
    inputs: { a: [rows, inner], b: [inner, columns] },
    outputs: { c: [rows, columns] },
  };
}

/** mean over rows of 1 - cos(x, y), as a tensor (1). */
export function cosineLossModel(rows: number, columns: number): OnnxGraph {
  const node = (
    operator: string,
    inputs: string[],
    output: string,
  ): OnnxNode => ({
    operator,
    inputs,
    output,
  });
  const dot = (a: string, b: string, output: string): OnnxNode[] => [
    node("Mul", [a, b], `${output} products`),
    {
      ...node("ReduceSum", [`${output} products`, "last axis"], output),
      attributes: { keepdims: 0 },
    },
  ];
  return {
    nodes: [
      ...dot("x", "y", "xy"),
      ...dot("x", "x", "xx"),
      ...dot("y", "y", "yy"),
      node("Mul", ["xx", "yy"], "squares"),
      node("Sqrt", ["squares"], "norms"),
      node("Div", ["xy", "norms"], "cosines"),
      {
        ...node("ReduceMean", ["cosines"], "mean"),
        attributes: { keepdims: 1 },
      },
      node("Sub", ["one", "mean"], "loss"),
    ],
    inputs: { x: [rows, columns], y: [rows, columns] },
    outputs: { loss: [1] },
    constants: { one: 1 },
    integers: { "last axis": [1] },
  };
}

function encodeNode({ operator, inputs, output, attributes = {} }: OnnxNode): number[] {
  return [
    ...inputs.flatMap((name) => field(1, utf8(name))),
    ...field(2, utf8(output)),
    ...field(4, utf8(operator)),
    ...Object.entries(attributes).flatMap(([name, value]) => field(5, attribute(name, value))),
  ];
}

/** AttributeProto: an int64 (type 2). */
function attribute(name: string, value: number): number[] {
  return [...field(1, utf8(name)), ...number(3, value), ...number(20, 2)];
}

/** ValueInfoProto of a float32 tensor. */
function encodeValue(name: string, shape: number[]): number[] {
  const dimensions = shape.flatMap((size) => field(1, number(1, size)));
  const type = field(1, [...number(1, FLOAT), ...field(2, dimensions)]);
  return [...field(1, utf8(name)), ...field(2, type)];
}

/** A field of bytes: messages, strings, packed numbers. */
function field(id: number, bytes: number[]): number[] {
  return [...varint(id << 3 | 2), ...varint(bytes.length), ...bytes];
}

/** A field of one integer. */
function number(id: number, value: number): number[] {
  return [...varint(id << 3), ...varint(value)];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 | 128, ...varint(Math.floor(value / 128))];
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function float32(value: number): number[] {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return [...new Uint8Array(bytes.buffer)];
}
