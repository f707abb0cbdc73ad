/** Numbers on the command line. */

/**
 * Reads a whole number from 1 up.
 *
 * @param what The thing that is counted, for the message.
 * @throws {RangeError} If the text is none.
 */
export function positiveInteger(what: string): (text: string) => number {
  return numberThat(
    `Number of ${what}`,
    (value) => Number.isSafeInteger(value) && value >= 1,
    "a whole number from 1 up",
  );
}

/**
 * Reads a number.
 *
 * @param what The number's name, for the message.
 * @param holds What must be true of it.
 * @param range The same in words.
 * @throws {RangeError} If the text is no finite number, or not such a one.
 */
export function numberThat(
  what: string,
  holds: (value: number) => boolean,
  range: string,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || !holds(value)) {
      throw new RangeError(`${what} must be ${range}, got "${text}"`);
    }
    return value;
  };
}
