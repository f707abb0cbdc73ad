/** Errors of option parsers. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Turns a parser's error into commander's, which names the option. */
export function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
