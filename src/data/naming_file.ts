/** Errors that name the file in which they were found. */

/** What a reader gives; what it throws is thrown with the file's name. */
export async function namingFile<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const Kind = [SyntaxError, TypeError, RangeError].find((kind) => error instanceof kind);
    if (!Kind) throw error;
    throw new Kind(`${(error as Error).message}, in "${path}"`, { cause: error });
  }
}
