/** What is used of jax-js; its own types would have to be fetched for every check of the program. */

/** An array, or what stands for it while a function is traced. Each use consumes a reference. */
export interface JaxArray {
  /** The same array with one more reference. */
  readonly ref: JaxArray;
  readonly shape: number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  neg(): JaxArray;
  sum(axis?: number, options?: { keepdims?: boolean }): JaxArray;
  mean(axis?: number, options?: { keepdims?: boolean }): JaxArray;
  reshape(shape: number[]): JaxArray;
  /** Ranges of the first axes; an empty one keeps the axis whole. */
  slice(...ranges: ([number, number] | [])[]): JaxArray;
  transpose(permutation?: number[]): JaxArray;
  data(): Promise<Float32Array>;
  /** Submits what computes the array and consumes it; does not wait. On WebGPU only. */
  gpuBufferSync(): GPUBuffer;
  dispose(): void;
}

/** Arrays by name. */
export type JaxArrays = Record<string, JaxArray>;

/** A nest of arrays. */
export type JaxTree = JaxArray | JaxTree[] | { [name: string]: JaxTree };

/** Where jax-js computes. */
export type JaxDevice = "webgpu" | "wasm";

/** The library. */
export interface JaxJs {
  init(device: JaxDevice): Promise<JaxDevice[]>;
  getWebGPUDevice(): GPUDevice;
  defaultDevice(device: JaxDevice): JaxDevice;
  blockUntilReady<Tree extends JaxTree>(tree: Tree): Promise<Tree>;
  jit<Arguments extends JaxTree[], Value extends JaxTree>(
    f: (...arguments_: Arguments) => Value,
  ): ((...arguments_: Arguments) => Value) & { dispose(): void };
  valueAndGrad<Arguments extends JaxTree[], Gradients extends JaxTree>(
    f: (...arguments_: Arguments) => JaxArray,
    options: { argnums?: number | number[] },
  ): (...arguments_: Arguments) => [JaxArray, Gradients];
  valueAndGrad<
    Arguments extends JaxTree[],
    Gradients extends JaxTree,
    Extra extends JaxTree,
  >(
    f: (...arguments_: Arguments) => [JaxArray, Extra],
    options: { argnums?: number | number[]; hasAux: true },
  ): (...arguments_: Arguments) => [[JaxArray, Extra], Gradients];
  tree: {
    dispose(tree: JaxTree): void;
    leaves(tree: JaxTree): JaxArray[];
    ref<Tree extends JaxTree>(tree: Tree): Tree;
  };
  numpy: {
    array(
      values: Float32Array | number,
      options: { shape?: number[]; device: JaxDevice },
    ): JaxArray;
    matmul(x: JaxArray, y: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    minimum(x: JaxArray, y: JaxArray | number): JaxArray;
    reciprocal(x: JaxArray): JaxArray;
    concatenate(arrays: JaxArray[], axis: number): JaxArray;
    split(x: JaxArray, sections: number, axis: number): JaxArray[];
  };
  nn: {
    gelu(x: JaxArray, options: { approximate: boolean }): JaxArray;
    silu(x: JaxArray): JaxArray;
    softmax(x: JaxArray, axis: number): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
  };
}
