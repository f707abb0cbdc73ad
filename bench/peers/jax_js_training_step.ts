/**
 * The compared training step, written in jax-js.
 *
 * One jitted function from parameters, moments and batch to the next ones, as one writes it in JAX.
 * Every use of an array consumes a reference, so one that is used again is passed as `.ref`.
 *
 * Tokens are embedded by a product with one-hot rows and answers are cut out by slices, for jax-js
 * 0.1.25 cannot jit the gradient of `take` here ("routine primitive scatter input is not imm"). The
 * two products more are 2 % of the step's arithmetic.
 */
import type { JaxArray, JaxArrays, JaxDevice, JaxJs } from "./jax_js_library.ts";
import { answerPlaces, attentionBias, rotations, type StepTask, textTokens } from "./step_task.ts";

/** What a step changes. */
export type TrainingState = {
  parameters: JaxArrays;
  m: JaxArrays;
  v: JaxArrays;
};

/** Losses of a step. */
export type StepLosses = { tokenLoss: JaxArray; cosineLoss: JaxArray };

/** A jitted step; it consumes the state and makes the next one. */
export type JaxStep = (
  state: TrainingState,
  batch: JaxArrays,
  corrections: JaxArrays,
) => { state: TrainingState; losses: StepLosses };

/** First state and batch on the device, and the step. */
export function createJaxTraining(
  jax: JaxJs,
  device: JaxDevice,
  task: StepTask,
): {
  state: TrainingState;
  batch: JaxArrays;
  step: JaxStep & { dispose(): void };
} {
  const { config: { decoder, layout }, packed, images, weights } = task;
  const { numpy: np } = jax;
  const length = layout.prefix + layout.blocks * layout.block;
  const floats = (values: Float32Array, shape: number[]) => np.array(values, { shape, device });
  const oneHot = (values: Int32Array) =>
    floats(oneHotRows(values, layout.vocabulary), [
      values.length,
      layout.vocabulary,
    ]);
  const { cos, sin } = rotations(task);
  const pairs = [length, decoder.head_dim / 2];
  const parameters: JaxArrays = {}, m: JaxArrays = {}, v: JaxArrays = {};
  for (const [name, { rows, columns, data }] of weights) {
    const shape = rows > 1 ? [rows, columns] : [columns];
    parameters[name] = floats(data, shape);
    for (const moments of [m, v]) {
      moments[name] = floats(new Float32Array(data.length), shape);
    }
  }
  return {
    state: { parameters, m, v },
    batch: {
      images: floats(images, [
        layout.batch * layout.prefix,
        task.config.visionWidth,
      ]),
      tokens: oneHot(textTokens(task)),
      labels: oneHot(packed.labels),
      bias: floats(attentionBias(task), [length, length]),
      cos: floats(cos, pairs),
      sin: floats(sin, pairs),
    },
    step: jax.jit(traceStep(jax, task)),
  };
}

/** Rows of zeros with a one in the column of the label: (labels, classes). */
function oneHotRows(labels: Int32Array, classes: number): Float32Array {
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => rows[row * classes + label] = 1);
  return rows;
}

/** Forward, backward, clipping and AdamW. */
function traceStep(jax: JaxJs, task: StepTask): JaxStep {
  const {
    optimizer: { beta1, beta2, eps, weightDecay, clip },
    learningRate,
    weights,
  } = task;
  const { numpy: np, tree } = jax;
  const names = [...weights.keys()];
  // P2 is clipped by its own norm.
  const isP2 = (name: string) => name.startsWith("P2.");
  const clipGroups = [names.filter((name) => !isP2(name)), names.filter(isP2)];
  const lossesAndGradients = jax.valueAndGrad<
    [JaxArrays, JaxArrays],
    JaxArrays,
    StepLosses
  >(
    (parameters, batch) => traceLosses(jax, task, parameters, batch),
    { hasAux: true },
  );

  function clipped(gradients: JaxArrays): JaxArrays {
    const result: JaxArrays = {};
    for (const group of clipGroups) {
      const squares = group
        .map((name) => gradients[name].ref.mul(gradients[name].ref).sum())
        .reduce((a, b) => a.add(b));
      const scale = np.minimum(
        np.reciprocal(np.sqrt(squares).add(1e-6)).mul(clip),
        1,
      );
      for (const name of group) result[name] = gradients[name].mul(scale.ref);
      scale.dispose();
    }
    return result;
  }

  return ({ parameters, m, v }, batch, { correction1, correction2 }) => {
    const [[total, losses], raw] = lossesAndGradients(
      tree.ref(parameters),
      batch,
    );
    total.dispose();
    const gradients = clipped(raw);
    const next: TrainingState = { parameters: {}, m: {}, v: {} };
    for (const name of names) {
      const gradient = gradients[name];
      const m1 = m[name].mul(beta1).add(gradient.ref.mul(1 - beta1));
      const v1 = v[name].mul(beta2).add(gradient.ref.mul(gradient).mul(1 - beta2));
      next.m[name] = m1.ref;
      next.v[name] = v1.ref;
      const root = np.sqrt(v1.mul(correction2.ref)).add(eps);
      const update = m1.mul(correction1.ref).div(root).mul(learningRate);
      const decay = weights.get(name)!.rows > 1 ? weightDecay : 0;
      next.parameters[name] = parameters[name].mul(1 - learningRate * decay)
        .sub(update);
    }
    correction1.dispose();
    correction2.dispose();
    return { state: next, losses };
  };
}

/** The sum of both losses, and each. */
function traceLosses(
  jax: JaxJs,
  task: StepTask,
  parameters: JaxArrays,
  { images, tokens, labels, bias, cos, sin }: JaxArrays,
): [JaxArray, StepLosses] {
  const { numpy: np, nn } = jax;
  const { config: { decoder, layout }, lambda } = task;
  const { batch, prefix, blocks, block } = layout;
  const length = prefix + blocks * block;
  const [first] = answerPlaces(task);
  const { hidden_size: hidden, num_attention_heads: heads, head_dim: width } = decoder;
  const linear = (x: JaxArray, name: string) => np.matmul(x, parameters[name].transpose());
  const mlp = (name: string, x: JaxArray) => {
    const inner = linear(x, `${name}.0.weight`).add(parameters[`${name}.0.bias`]);
    const activated = nn.gelu(inner, { approximate: false });
    return linear(activated, `${name}.2.weight`).add(parameters[`${name}.2.bias`]);
  };
  const rmsNorm = (x: JaxArray, name: string) => {
    const squares = x.ref.mul(x.ref).mean(-1, { keepdims: true });
    return x.div(np.sqrt(squares.add(decoder.rms_norm_eps))).mul(parameters[name]);
  };
  const rope = (x: JaxArray) => {
    const [first, second] = np.split(x, 2, -1);
    return np.concatenate([
      first.ref.mul(cos.ref).sub(second.ref.mul(sin.ref)),
      second.mul(cos.ref).add(first.mul(sin.ref)),
    ], -1);
  };

  const answersOf = (x: JaxArray) =>
    x.reshape([batch, length, hidden])
      .slice([], [prefix, length])
      .reshape([batch, blocks, block, hidden])
      .slice([], [], [first, first + layout.answers])
      .reshape([batch * blocks * layout.answers, hidden]);

  const z = mlp("P1", images);
  const cosineLoss = meanCosineLoss(jax, z.ref, mlp("P2", z.ref));
  const text = np.matmul(tokens, parameters["model.embed_tokens.weight"]);
  let h = np.concatenate([
    z.reshape([batch, prefix, hidden]),
    text.reshape([batch, blocks * block, hidden]),
  ], 1).reshape([batch * length, hidden]);
  for (let layer = 0; layer < decoder.num_hidden_layers; layer++) {
    const of = (part: string) => `model.layers.${layer}.${part}.weight`;
    const x = rmsNorm(h.ref, of("input_layernorm"));
    const [q, k, v] = ["q", "k", "v"].map((part) =>
      linear(x.ref, of(`self_attn.${part}_proj`))
        .reshape([batch, length, heads, width])
        .transpose([0, 2, 1, 3])
    );
    x.dispose();
    const scores = np.matmul(rope(q), rope(k).transpose([0, 1, 3, 2]))
      .mul(1 / Math.sqrt(width))
      .add(bias.ref);
    let attended = np.matmul(nn.softmax(scores, -1), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * length, hidden]);
    if (layer === decoder.num_hidden_layers - 1) {
      // Ours computes only the answers behind the last attention.
      attended = answersOf(attended);
      h = answersOf(h);
    }
    h = h.add(linear(attended, of("self_attn.o_proj")));
    const x2 = rmsNorm(h.ref, of("post_attention_layernorm"));
    const gate = nn.silu(linear(x2.ref, of("mlp.gate_proj")));
    h = h.add(linear(gate.mul(linear(x2, of("mlp.up_proj"))), of("mlp.down_proj")));
  }
  for (const array of [bias, cos, sin]) array.dispose();
  const logits = linear(
    rmsNorm(h, "model.norm.weight"),
    "lm_head.weight",
  );
  const tokenLoss = nn.logSoftmax(logits, -1).mul(labels).sum(-1).mean().neg();
  return [tokenLoss.ref.add(cosineLoss.ref.mul(lambda)), {
    tokenLoss,
    cosineLoss,
  }];
}

/** mean over rows of 1 - cos(x, y). */
export function meanCosineLoss(
  { numpy: np }: JaxJs,
  x: JaxArray,
  y: JaxArray,
): JaxArray {
  const dot = (a: JaxArray, b: JaxArray) => a.mul(b).sum(-1);
  const norms = np.sqrt(dot(x.ref, x.ref).mul(dot(y.ref, y.ref)));
  return dot(x, y).div(norms).mean().neg().add(1);
}
