/**
 * Parameters of CLIP towers: their names and shapes in Hugging Face's checkpoints, their first
 * values, and the matrices that the kernels use.
 *
 * Checkpoints keep q, k and v apart. Here they are rows of one matrix, as their biases are columns of
 * one row, and heads are padded to a multiple of four. The names are those of CLIPModel,
 * CLIPVisionModel and CLIPVisionModelWithProjection.
 */
import type { MatrixValues } from "../nn/matrix_values.ts";
import { drawValues, type ParameterSpec } from "../nn/parameters.ts";
import {
  type ClipConfig,
  clipHeads,
  type ClipTextConfig,
  type ClipTowerConfig,
  type ClipVisionConfig,
  visionTokens,
} from "./clip_config.ts";
import {
  type MatrixLayout,
  packMatrices,
  placesFrom,
  unpackMatrices,
  wholeLayout,
} from "./matrix_layout.ts";
import { type Tensor as StoredTensor, toFloat32 } from "./safetensors.ts";

/** A parameter as a checkpoint has it; as a matrix, its first axis are the rows. */
export interface ClipSpec extends ParameterSpec {
  /** Vectors are (1, width) as matrices, a scalar (1, 1). */
  shape: number[];
}

/** How much of a vision tower is wanted. */
export interface VisionExtent {
  /** Layers from the first; all when absent. */
  layers?: number;
  /** Whether what makes features of the last state is wanted too, as when absent. */
  head?: boolean;
}

type Initialisation = ParameterSpec["initialisation"];

const ONES: Initialisation = { kind: "ones" };
const ZEROS: Initialisation = { kind: "zeros" };
const normal = (deviation: number): Initialisation => ({ kind: "normal", deviation });

function spec(name: string, shape: number[], initialisation: Initialisation): ClipSpec {
  const [first = 1, ...rest] = shape;
  const size = rest.reduce((product, side) => product * side, 1);
  const [rows, columns] = shape.length > 1 ? [first, size] : [1, first];
  return { name, shape, rows, columns, initialisation };
}

function normSpecs(name: string, width: number): ClipSpec[] {
  return [spec(`${name}.weight`, [width], ONES), spec(`${name}.bias`, [width], ZEROS)];
}

/**
 * Layers of a tower. First values by width and depth as in the text tower of OpenAI's code (`clip/model.py`,
 * `initialize_parameters`): normal, d^-1/2 for what reads a state, (2 L d)^-1/2 for what adds to it,
 * (2 d)^-1/2 for the layer inside the perceptron; biases zero.
 */
function layerSpecs(
  tower: string,
  { hidden_size: d, intermediate_size: ff, num_hidden_layers: depth }: ClipTowerConfig,
  layers: number,
): ClipSpec[] {
  const read = normal(d ** -0.5);
  const added = normal((2 * depth * d) ** -0.5);
  return Array.from({ length: layers }, (_, layer) => {
    const prefix = `${tower}.encoder.layers.${layer}`;
    const affine = (name: string, out: number, width: number, weight: Initialisation) => [
      spec(`${prefix}.${name}.weight`, [out, width], weight),
      spec(`${prefix}.${name}.bias`, [out], ZEROS),
    ];
    return [
      ...normSpecs(`${prefix}.layer_norm1`, d),
      ...affine("self_attn.q_proj", d, d, read),
      ...affine("self_attn.k_proj", d, d, read),
      ...affine("self_attn.v_proj", d, d, read),
      ...affine("self_attn.out_proj", d, d, added),
      ...normSpecs(`${prefix}.layer_norm2`, d),
      ...affine("mlp.fc1", ff, d, normal((2 * d) ** -0.5)),
      ...affine("mlp.fc2", d, ff, added),
    ];
  }).flat();
}

/**
 * Parameters of a vision tower. Class token, positions and projection start at d^-1/2 as in OpenAI's
 * code, the patches at a third of the inverse fan-in as variance, PyTorch's default of convolutions.
 */
function clipVisionSpecs(
  config: ClipVisionConfig,
  { layers = config.num_hidden_layers, head = true }: VisionExtent = {},
): ClipSpec[] {
  const { hidden_size: d, num_channels, patch_size: patch, projection_dim } = config;
  const small = normal(d ** -0.5);
  const patches = normal((3 * num_channels * patch ** 2) ** -0.5);
  return [
    spec(CLASS_EMBEDDING, [d], small),
    spec(PATCH_EMBEDDING, [d, num_channels, patch, patch], patches),
    spec("vision_model.embeddings.position_embedding.weight", [visionTokens(config), d], small),
    // As the checkpoints spell it.
    ...normSpecs("vision_model.pre_layrnorm", d),
    ...layerSpecs("vision_model", config, layers),
    ...(head
      ? [
        ...normSpecs("vision_model.post_layernorm", d),
        spec("visual_projection.weight", [projection_dim, d], small),
      ]
      : []),
  ];
}

/** Name of the class token's embedding. */
export const CLASS_EMBEDDING = "vision_model.embeddings.class_embedding";
/** Name of the patches' map. */
export const PATCH_EMBEDDING = "vision_model.embeddings.patch_embedding.weight";

/** Parameters of a text tower. Tokens start at 0.02 and positions at 0.01, as in OpenAI's code. */
function clipTextSpecs(config: ClipTextConfig): ClipSpec[] {
  const { hidden_size: d, vocab_size, max_position_embeddings, projection_dim } = config;
  const embeddings = "text_model.embeddings";
  return [
    spec(`${embeddings}.token_embedding.weight`, [vocab_size, d], normal(0.02)),
    spec(`${embeddings}.position_embedding.weight`, [max_position_embeddings, d], normal(0.01)),
    ...layerSpecs("text_model", config, config.num_hidden_layers),
    ...normSpecs("text_model.final_layer_norm", d),
    spec("text_projection.weight", [projection_dim, d], normal(d ** -0.5)),
  ];
}

/** Name of the logarithm of the logits' scale. */
export const LOGIT_SCALE = "logit_scale";

/** Parameters of a model and the matrices that kernels make of them. */
export interface ClipParts {
  specs: readonly ClipSpec[];
  layouts: readonly MatrixLayout[];
}

/** A vision tower's parameters and matrices. */
export function clipVisionParts(config: ClipVisionConfig, extent?: VisionExtent): ClipParts {
  return partOf(clipVisionSpecs(config, extent), config);
}

/** A pair's parameters and matrices: both towers and the logits' scale. */
export function clipPairParts(
  { vision_config, text_config, projection_dim }: ClipConfig,
): ClipParts {
  const parts: ClipParts[] = [
    partOf(clipVisionSpecs({ ...vision_config, projection_dim }), vision_config),
    partOf(clipTextSpecs({ ...text_config, projection_dim }), text_config),
    { specs: [spec(LOGIT_SCALE, [], ZEROS)], layouts: [wholeLayout(LOGIT_SCALE, 1, 1)] },
  ];
  return {
    specs: parts.flatMap(({ specs }) => specs),
    layouts: parts.flatMap(({ layouts }) => layouts),
  };
}

function partOf(specs: ClipSpec[], config: ClipTowerConfig): ClipParts {
  const { heads, headDim, headWidth } = clipHeads(config);
  const width = heads * headWidth;
  // Where each element of all heads goes when each head is padded.
  const padded = (first: number) =>
    placesFrom(0, heads * headDim).map((at) =>
      first + Math.floor(at / headDim) * headWidth + at % headDim
    );
  const layouts = new Map<string, MatrixLayout>();
  for (const { name, rows, columns } of specs) {
    const [, attention, projection, kind] =
      /^(.*\.self_attn)\.(q|k|v|out)_proj\.(weight|bias)$/.exec(name) ?? [];
    if (!attention || (projection === "out" && kind === "bias")) {
      layouts.set(name, wholeLayout(name, rows, columns));
    } else if (projection === "out") {
      const part = { name, rows: placesFrom(0, rows), columns: padded(0) };
      layouts.set(name, { name, rows, columns: width, parts: [part] });
    } else {
      const joint = `${attention}.qkv.${kind}`;
      const places = padded("qkv".indexOf(projection) * width);
      const [size, part] = kind === "weight"
        ? [{ rows: 3 * width, columns }, { name, rows: places, columns: null }]
        : [{ rows: 1, columns: 3 * width }, { name, rows: [0], columns: places }];
      if (!layouts.has(joint)) layouts.set(joint, { name: joint, ...size, parts: [] });
      layouts.get(joint)!.parts.push(part);
    }
  }
  return { specs, layouts: [...layouts.values()] };
}

/**
 * Gathers kernel matrices from a checkpoint. Tensors that it has beside are left alone.
 *
 * @throws {RangeError} If a tensor is missing or has another shape, naming it.
 * @throws {TypeError} If a tensor's elements are no floating-point numbers, naming it.
 */
export function packClip(
  { specs, layouts }: ClipParts,
  checkpoint: ReadonlyMap<string, StoredTensor>,
): Map<string, MatrixValues> {
  checkClip({ specs }, checkpoint);
  return packMatrices(
    layouts,
    new Map(specs.map(({ name, rows, columns }) => [
      name,
      { rows, columns, data: toFloat32(checkpoint.get(name)!) },
    ])),
  );
}

/** First values of a model's parameters, each from the stream of its name. */
export function drawClip(
  { specs }: Pick<ClipParts, "specs">,
  seed: number,
): Map<string, StoredTensor> {
  return new Map(
    specs.map((one) => [
      one.name,
      { dtype: "F32", shape: one.shape, data: drawValues(seed, one) as Float32Array<ArrayBuffer> },
    ]),
  );
}

/** What can be said of a stored tensor without its numbers. */
type Described = Pick<StoredTensor, "dtype" | "shape">;

/**
 * Checks that a checkpoint has what a model needs.
 *
 * @throws As {@linkcode packClip} does.
 */
export function checkClip(
  { specs }: Pick<ClipParts, "specs">,
  checkpoint: ReadonlyMap<string, Described>,
): void {
  for (const { name, shape } of specs) {
    const found = checkpoint.get(name);
    if (!found) throw new RangeError(`Cannot load CLIP model: tensor "${name}" is missing`);
    if (found.shape.join() !== shape.join()) {
      throw new RangeError(
        `Cannot load CLIP model: tensor "${name}" has shape [${found.shape}], not [${shape}]`,
      );
    }
    if (!FLOATS.includes(found.dtype)) {
      throw new TypeError(
        `Cannot load CLIP model: tensor "${name}" is ${found.dtype}, not one of ${
          FLOATS.join(", ")
        }`,
      );
    }
  }
}

const FLOATS = ["F32", "F16", "BF16", "F64"];

/** The inverse of {@linkcode packClip}, also for gradients; what kernels do not have is left out. */
export function unpackClip(
  { specs, layouts }: ClipParts,
  kernelMatrices: ReadonlyMap<string, MatrixValues>,
): Map<string, StoredTensor> {
  const matrices = unpackMatrices(layouts, kernelMatrices);
  return new Map(
    specs.filter(({ name }) => matrices.has(name)).map(({ name, shape }) => [
      name,
      { dtype: "F32", shape, data: matrices.get(name)!.data as Float32Array<ArrayBuffer> },
    ]),
  );
}
