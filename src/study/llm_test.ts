import assert from "node:assert/strict";
import { loadDataset } from "../data/datasets.ts";
import { buildTokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { testEngines } from "../testing/gpu.ts";
import {
  choosingLast,
  TINY_CONFIG_JSON,
  tinyTensors,
  withModelFolder,
} from "../testing/tiny_checkpoint.ts";
import { prepareTiny } from "../testing/tiny_data.ts";
import { tinyStudy } from "../testing/tiny_study.ts";
import { run } from "../training/run.ts";

Deno.test("a decoder that answers with rows without a token is wrong, and its study goes on", async () => {
  const { data: { name, ...options } } = tinyStudy();
  const { train } = await loadDataset(name, options);
  const own = buildTokenizer(
    train.flatMap(({ questions }) => questions.flatMap(({ text, answer }) => [text, answer])),
  );
  const { tokenizer, config: tokenizerConfig } = tokenizerFiles(own);
  const config = {
    ...TINY_CONFIG_JSON,
    vocab_size: own.vocabularySize + 8,
    eos_token_id: own.eos,
  };
  const files = {
    "config.json": config,
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": tokenizerConfig,
    "model.safetensors": choosingLast(tinyTensors(config)),
  };
  await withModelFolder(files, async (dir) => {
    const [baseline] = tinyStudy().arms;
    const { data, runs } = await prepareTiny(tinyStudy({
      llm: { name: dir },
      arms: [{ ...baseline, stages: ["projector"] }],
      controls: [],
      seeds: 1,
    }));
    const [engine] = await testEngines();
    const [{ answers, accuracy }] = await Array.fromAsync(run(engine, runs[0], data));
    assert.equal(answers.length, data.test.questions.flat().length);
    assert.ok(answers.every(({ answer, correct }) => answer === "" && !correct));
    assert.equal(accuracy.overall, 0);
  });
});
