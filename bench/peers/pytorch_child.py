"""PyTorch's side of the comparison.

Answers every JSON line on standard input with one on standard output (see line_child.ts):

  {"do": "prepare", "folder": ..., "kernel": ..., ...}  ->  {}
  {"do": "result", "folder": ...}                       ->  {"names": [...]}, files NAME.f64
  {"do": "time", "times": r}                            ->  {"milliseconds": ...}

Inputs are raw float32 files of the task's folder, results raw float64 ones. Time is taken by
perf_counter around the runs alone. The only argument is the number of threads.
"""

import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def read(folder, name, shape, dtype=torch.float32):
    values = np.fromfile(os.path.join(folder, name + ".f32"), dtype=np.float32)
    return torch.from_numpy(values).reshape(shape).to(dtype)


def matmul(folder, task):
    a = read(folder, "a", (task["rows"], task["inner"]))
    b = read(folder, "b", (task["inner"], task["columns"]))
    run = lambda: torch.mm(a, b)
    return run, lambda: {"c": run()}


def cosine_loss(folder, task):
    shape = (task["rows"], task["columns"])
    x, y = read(folder, "x", shape), read(folder, "y", shape)
    backward = task["kernel"] == "cosine-loss"
    for side in (x, y):
        side.requires_grad_(backward)

    def run():
        x.grad = y.grad = None
        loss = (1 - F.cosine_similarity(x, y, dim=1)).mean()
        if backward:
            loss.backward()
        return loss

    def result():
        loss = run()
        return {"loss": loss, **({"dx": x.grad, "dy": y.grad} if backward else {})}

    return run, result


def training_step(folder, task):
    """AdamW steps of projector, P2 and decoder; float64 where the task asks for the reference."""
    dtype = torch.float64 if task["precision"] == "float64" else torch.float32
    sizes = task["sizes"]
    batch, prefix, blocks, block = (sizes[k] for k in ("batch", "prefix", "blocks", "block"))
    hidden, layers, heads = (sizes[k] for k in ("hidden", "layers", "heads"))
    length = prefix + blocks * block
    width = hidden // heads
    flat = read(folder, "weights", (-1,), dtype)
    weights, at = {}, 0
    for name, rows, columns in task["weights"]:
        shape = (rows, columns) if rows > 1 else (columns,)
        weights[name] = flat[at : at + rows * columns].clone().reshape(shape).requires_grad_()
        at += rows * columns
    images = read(folder, "images", (batch * prefix, -1), dtype)
    bias = read(folder, "bias", (length, length), dtype)
    cos, sin = (read(folder, name, (length, width // 2), dtype) for name in ("cos", "sin"))
    cos, sin = (torch.cat([half, half], -1) for half in (cos, sin))
    tokens = torch.tensor(task["tokens"]).reshape(batch, blocks * block)
    answer_rows = torch.tensor(task["answerRows"])
    labels = torch.tensor(task["labels"])

    def mlp(name, x):
        x = F.gelu(F.linear(x, weights[name + ".0.weight"], weights[name + ".0.bias"]))
        return F.linear(x, weights[name + ".2.weight"], weights[name + ".2.bias"])

    def rms_norm(x, name):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + sizes["epsilon"]) * weights[name]

    def rope(x):
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat([-second, first], -1) * sin

    def losses():
        z = mlp("P1", images)
        cosine = (1 - F.cosine_similarity(z, mlp("P2", z), dim=1)).mean()
        text = F.embedding(tokens, weights["model.embed_tokens.weight"])
        h = torch.cat([z.view(batch, prefix, hidden), text], 1).reshape(batch * length, hidden)
        for layer in range(layers):
            of = lambda part: f"model.layers.{layer}.{part}.weight"
            x = rms_norm(h, of("input_layernorm"))
            q, k, v = (
                F.linear(x, weights[of(f"self_attn.{part}_proj")])
                .view(batch, length, heads, width)
                .transpose(1, 2)
                for part in "qkv"
            )
            scores = rope(q) @ rope(k).transpose(-1, -2) * width**-0.5 + bias
            attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch * length, hidden)
            if layer == layers - 1:
                # Ours computes only the answers behind the last attention.
                attended, h = attended[answer_rows], h[answer_rows]
            h = h + F.linear(attended, weights[of("self_attn.o_proj")])
            x = rms_norm(h, of("post_attention_layernorm"))
            gate, up = (F.linear(x, weights[of(f"mlp.{part}_proj")]) for part in ("gate", "up"))
            h = h + F.linear(F.silu(gate) * up, weights[of("mlp.down_proj")])
        logits = F.linear(rms_norm(h, "model.norm.weight"), weights["lm_head.weight"])
        return F.cross_entropy(logits, labels), cosine

    settings = task["optimizer"]
    decayed = lambda name: settings["weightDecay"] if weights[name].dim() > 1 else 0.0
    optimizer = torch.optim.AdamW(
        [{"params": [weights[name]], "weight_decay": decayed(name)} for name in weights],
        lr=task["learningRate"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["eps"],
    )
    # P2 is clipped by its own norm.
    p2 = [value for name, value in weights.items() if name.startswith("P2.")]
    rest = [value for name, value in weights.items() if not name.startswith("P2.")]

    def run():
        token, cosine = losses()
        optimizer.zero_grad(set_to_none=True)
        (token + task["lambda"] * cosine).backward()
        for group in (rest, p2):
            torch.nn.utils.clip_grad_norm_(group, settings["clip"])
        optimizer.step()
        return token, cosine

    def result():
        token, cosine = zip(*(run() for _ in range(task["steps"])))
        return {"tokenLoss": torch.stack(token), "cosineLoss": torch.stack(cosine)}

    return run, result


KERNELS = {
    "matmul": matmul,
    "cosine-loss-forward": cosine_loss,
    "cosine-loss": cosine_loss,
    "training-step": training_step,
}


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    run = result = None
    print(json.dumps({"version": f"PyTorch {torch.__version__}, threads: {threads}"}), flush=True)
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {}
            if request["do"] == "prepare":
                run = result = None
                run, result = KERNELS[request["kernel"]](request["folder"], request)
            elif request["do"] == "result":
                values = result()
                for name, value in values.items():
                    path = os.path.join(request["folder"], name + ".f64")
                    value.detach().to(torch.float64).numpy().tofile(path)
                answer = {"names": list(values)}
            elif request["do"] == "time":
                start = time.perf_counter()
                for _ in range(request["times"]):
                    run()
                answer = {"milliseconds": 1e3 * (time.perf_counter() - start)}
            else:
                raise ValueError(f"cannot do {request['do']}")
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            answer = {"error": lines[0]}
        print(json.dumps(answer), flush=True)


main()
