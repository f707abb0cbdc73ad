/** Whole numbers on the command line. */

/**
 * Reads a whole number from 1 up.
 *
 * @param what The thing that is counted, for the message.
 * @throws {RangeError} If the text is none.
 */
export function positiveInteger(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1 || text.trim() === "") {
      throw new RangeError(`Number of ${what} must be a whole number from 1 up, got "${text}"`);
    }
    return value;
  };
}
