/** `embedding-stats`: what a projector does to embeddings, from files of any framework. */
import { Command, Option } from "@commander-js/extra-typings";
import { embeddingGeometry } from "../evaluation/embedding_geometry.ts";
import { freshP2Cosine } from "../training/fresh_p2.ts";
import { type EmbeddingFile, readEmbeddings } from "./embedding_file.ts";
import { statisticsJson, statisticsMarkdown } from "./embedding_stats_format.ts";
import { numberThat, positiveInteger } from "./numbers.ts";
import { openEngine } from "./open_engine.ts";
import { orInvalid } from "./or_invalid.ts";
import { callerPath } from "./paths.ts";

/** Of P2's first values. */
const SEED = 1;

/** The command. */
export function embeddingStatsCommand() {
  return new Command("embedding-stats")
    .summary("compare embeddings before and behind a projector")
    .description(
      "Statistics of embeddings before and behind a projector. Each file is a safetensors file with one matrix, a token a row, in F64, F32, F16 or BF16.",
    )
    .requiredOption("--x <file>", "X, tokens before the projector")
    .requiredOption("--projected <file>", "Z, the same tokens behind it")
    .option("--text <file>", "T, the language model's text embeddings, as wide as Z")
    .option("--transformed <file>", "Z under a further transformation, as P2, row by row")
    .option(
      "--ridge-lambda <number>",
      "penalty of the regression that recovers X from Z (default: 1)",
      orInvalid(numberThat("It", (value) => value > 0, "a positive number")),
    )
    .option(
      "--ridge-train-rows <n>",
      "first rows, which it learns from (default: three quarters)",
      orInvalid(positiveInteger("rows")),
    )
    .option(
      "--pair-rows <n>",
      "most rows whose pairs with all rows are looked at (default: all of 2048, of more 512)",
      orInvalid(positiveInteger("rows")),
    )
    .option(
      "--fresh-p2",
      "train a P2 on Z, which takes a GPU, and see whether Z is stable under it",
    )
    .option(
      "--adapter <name>",
      "for --fresh-p2: system, lavapipe, swiftshader, or part of an adapter's description",
    )
    .addOption(new Option("--json", "print JSON, every digit").conflicts("markdown"))
    .option("--markdown", "print Markdown tables, as without --json")
    .action(async (options, command) => {
      if (options.adapter !== undefined && !options.freshP2) {
        command.error("error: option '--adapter <name>' needs --fresh-p2");
      }
      const x = await readEmbeddings(callerPath(options.x));
      const projected = await readEmbeddings(callerPath(options.projected));
      const [text, transformed] = await Promise.all(
        [options.text, options.transformed].map((file) =>
          file === undefined ? undefined : readEmbeddings(callerPath(file))
        ),
      );
      checkEqual("rows", x, projected);
      if (text) checkEqual("cols", projected, text);
      if (transformed) {
        checkEqual("rows", projected, transformed);
        checkEqual("cols", projected, transformed);
      }
      const opened = options.freshP2 && await openEngine(options.adapter, console.error);
      const { pairs, ...rest } = embeddingGeometry({
        x: x.matrix,
        projected: projected.matrix,
        text: text?.matrix,
        transformed: transformed?.matrix,
      }, {
        ridge: { lambda: options.ridgeLambda, trainRows: options.ridgeTrainRows },
        ...(options.pairRows && { exactRows: options.pairRows, sampleRows: options.pairRows }),
      });
      const fresh = opened
        ? { freshP2Cosine: await freshP2Cosine(opened.engine, projected.matrix, SEED) }
        : {};
      if (opened) opened.engine.device.destroy();
      const geometry = { ...rest, pairs: { ...pairs, ...fresh } };
      console.log(
        options.json
          ? JSON.stringify(statisticsJson(geometry), null, 2)
          : statisticsMarkdown(geometry),
      );
    });
}

/**
 * Refuses files that do not belong together, by name.
 *
 * @throws {RangeError} when they differ
 */
function checkEqual(what: "rows" | "cols", a: EmbeddingFile, b: EmbeddingFile): void {
  if (a.matrix[what] === b.matrix[what]) return;
  const unit = { rows: "rows", cols: "columns" }[what];
  throw new RangeError(
    `Cannot compare embeddings: ${a.name} has ${a.matrix[what]} ${unit}, ${b.name} has ${
      b.matrix[what]
    }`,
  );
}
