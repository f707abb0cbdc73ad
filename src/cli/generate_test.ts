/** The command as a user meets it: a text, JSON, a size, and one line for what cannot be. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildTokenizer } from "../data/tokenizer.ts";
import { tokenizerFiles } from "../data/tokenizer_json.ts";
import { printed } from "../testing/printed.ts";
import { sharedPath } from "../testing/shared_folder.ts";
import {
  choosingLast,
  TINY_CONFIG_JSON,
  tinyTensors,
  withModelFolder,
} from "../testing/tiny_checkpoint.ts";
import { main } from "./main.ts";

/** Runs a command line in this process. */
const run = (...args: string[]) => printed(() => main(["generate", ...args]));

const own = buildTokenizer(["red square", "blue circle"]);
const { tokenizer, config } = tokenizerFiles(own);
const decoder = {
  ...TINY_CONFIG_JSON,
  vocab_size: own.vocabularySize,
  bos_token_id: own.bos,
  eos_token_id: own.eos,
};
const FILES = {
  "config.json": decoder,
  "tokenizer.json": tokenizer,
  "tokenizer_config.json": config,
  "model.safetensors": tinyTensors({ ...decoder }),
};

Deno.test("the embedded decoder answers in its own words", async () => {
  const question = "there is a small red circle at x3 y5. what is the shape of the red object?";
  const { code, out } = await run("--llm", "embedded", "--prompt", question, "--max-tokens", "3");
  assert.equal(code, 0);
  assert.equal(out, `${question} circle`);
});

Deno.test("generate prints the prompt and what follows, or all of it as JSON", async () => {
  await withModelFolder(FILES, async (dir) => {
    const asked = ["--llm", dir, "--prompt", "red square", "--max-tokens", "6"];
    const text = await run(...asked);
    assert.equal(text.code, 0, text.lines.join("\n"));
    assert.ok(text.out.startsWith("red square"), text.out);
    const { promptIds, tokens, text: whole, top5, ...rest } = JSON.parse(
      (await run(...asked, "--json")).out,
    );
    assert.deepEqual(rest, {});
    assert.deepEqual(promptIds, own.encode("red square"));
    assert.ok(tokens.length <= 6 && !tokens.includes(own.eos));
    assert.equal(whole, text.out);
    assert.equal(whole, own.decode([...promptIds, ...tokens]));
    assert.equal(top5.length, 5);
    if (tokens.length > 0) assert.equal(top5[0].id, tokens[0]);
  });
});

Deno.test("what is chosen and has no token leaves no text", async () => {
  const padded = { ...decoder, vocab_size: own.vocabularySize + 8 };
  const tensors = choosingLast(tinyTensors(padded));
  const files = { ...FILES, "config.json": padded, "model.safetensors": tensors };
  await withModelFolder(files, async (dir) => {
    const asked = ["--llm", dir, "--prompt", "red square", "--max-tokens", "2", "--json"];
    const { code, out, lines } = await run(...asked);
    assert.equal(code, 0, lines.join("\n"));
    const { tokens, text } = JSON.parse(out);
    assert.equal(tokens.length, 2);
    assert.ok(tokens.every((id: number) => id >= own.vocabularySize), `${tokens}`);
    assert.equal(text, "red square");
  });
});

Deno.test("an empty prompt is the token that begins a text", async () => {
  await withModelFolder(FILES, async (dir) => {
    const { out } = await run("--llm", dir, "--max-tokens", "1", "--json");
    assert.deepEqual(JSON.parse(out).promptIds, [own.bos]);
  });
  const silent = { ...decoder, bos_token_id: null };
  const nameless = { ...FILES, "config.json": silent, "tokenizer_config.json": {} };
  await withModelFolder(nameless, async (dir) => {
    const { code, lines } = await run("--llm", dir);
    assert.equal(code, 1);
    assert.deepEqual(lines.length, 1);
    assert.match(lines[0], /^error: Cannot begin a text: .*"bos_token_id"/);
  });
});

Deno.test("a dry run needs config.json alone", async () => {
  await withModelFolder({ "config.json": decoder }, async (dir) => {
    const { code, out, lines } = await run("--llm", dir, "--dry-run");
    assert.deepEqual([code, lines], [0, []]);
    // Two tables of 264 x 12, two layers of 1,248, a gain of 12.
    assert.match(out, /^Parameters: 8,844\n/);
    assert.match(out, /^Keys and values of 32 tokens: 0\.0 MB, float32$/m);
    const size = JSON.parse((await run("--llm", dir, "--dry-run", "--json")).out);
    // Two layers, keys and values, two heads of six padded to eight, four bytes.
    assert.deepEqual([size.parameters, size.context, size.cacheBytes], [
      8844,
      32,
      32 * 2 * 2 * 2 * 8 * 4,
    ]);
  });
});

Deno.test("what cannot be is said in one line", async () => {
  await withModelFolder(FILES, async (dir) => {
    const cases: [string[], number, RegExp][] = [
      [["--llm", join(dir, "none")], 1, /there is no such folder/],
      [["--llm", dir, "--max-tokens", "32"], 1, /32 tokens behind a prompt of 1: .* context is 32/],
      [["--llm", dir, "--max-tokens", "few"], 2, /whole number, got "few"/],
      [["--llm", dir, "--max-tokens", "-1"], 2, /whole number, got "-1"/],
      [[], 2, /--llm/],
    ];
    for (const [args, code, message] of cases) {
      const { code: got, lines, out } = await run(...args);
      assert.deepEqual([got, out, lines.length], [code, "", 1], lines.join("\n"));
      assert.match(lines[0], message);
    }
  });
});

const shared = sharedPath("models/stories260K");
Deno.test({
  name: "a real model's JSON is its reference's",
  ignore: shared === null,
  async fn() {
    const { greedy_from_bos: greedy } = JSON.parse(
      await Deno.readTextFile(join(shared!, "EXPECTED.json")),
    );
    const { code, out, lines } = await run("--llm", shared!, "--max-tokens", "100", "--json");
    assert.equal(code, 0, lines.join("\n"));
    const { promptIds, tokens, text, top5 } = JSON.parse(out);
    assert.deepEqual([promptIds, tokens, text], [
      greedy.prompt_ids,
      greedy.new_ids,
      greedy.new_text,
    ]);
    assert.deepEqual(
      top5.map(({ id }: { id: number }) => id),
      greedy.first_step_top5.map(({ id }: { id: number }) => id),
    );
  },
});
