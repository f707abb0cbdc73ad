/** The property of every reader of untrusted files: it reads, or refuses in one line that names the file. */
import assert from "node:assert/strict";
import fc from "fast-check";

/** Inputs a reader; `PLUMBLINE_FUZZ=20000 deno test -A src/testing/untrusted_files_test.ts` for many. */
const INPUTS = Number(Deno.env.get("PLUMBLINE_FUZZ") ?? 0);
const FEW = 150;

/** No reader of a small file takes longer. */
const MOST_MILLISECONDS = 1000;

const KINDS = [SyntaxError, TypeError, RangeError, Deno.errors.NotFound];

// deno-lint-ignore no-control-regex
const ONE_LINE = /^Cannot [^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]+$/;

/**
 * Gives a reader mutated inputs.
 *
 * @param names what every refusal must match: the name of the file
 * @throws {Error} if an input makes the reader throw anything but a refusal, or takes it too long
 */
export async function fuzz<Input>(
  inputs: fc.Arbitrary<Input>,
  read: (input: Input) => unknown,
  names: RegExp,
): Promise<void> {
  let count = 0, refused = 0, slowest = 0;
  const once = async (input: Input): Promise<number> => {
    const start = performance.now();
    try {
      await read(input);
    } catch (error) {
      checkRefusal(error, names);
      refused++;
    }
    return performance.now() - start;
  };
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      count++;
      let taken = await once(input);
      // The machine may have been busy with something else.
      for (let i = 0; i < 2 && taken > MOST_MILLISECONDS; i++) {
        taken = Math.min(taken, await once(input));
      }
      slowest = Math.max(slowest, taken);
      assert.ok(taken <= MOST_MILLISECONDS, `${taken} ms`);
      assert.equal(({} as Record<string, unknown>).polluted, undefined);
    }),
    // The same few every time: what fails a change is the change.
    INPUTS ? { numRuns: INPUTS } : { numRuns: FEW, seed: 1 },
  );
  if (INPUTS) {
    console.log(`${count} inputs, ${refused} times refused, slowest ${Math.round(slowest)} ms`);
  }
  assert.ok(refused > 0, "no input was refused: the mutations reach nothing");
}

/** Fails for an error that is no refusal of a file. */
function checkRefusal(error: unknown, names: RegExp): void {
  assert.ok(error instanceof Error);
  assert.ok(KINDS.some((kind) => error instanceof kind), `${error.stack}`);
  assert.match(error.message, ONE_LINE);
  assert.match(error.message, names, error.stack);
  assert.ok(error.message.length < 1000, `a message of ${error.message.length} characters`);
  // A test's permissions are its own folder.
  assert.doesNotMatch(error.message, /Requires \w+ access/);
}
