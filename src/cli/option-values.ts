/** Parsers of option values, for commander. */
import { InvalidArgumentError } from "commander";

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A number within bounds, such as 2.5. */
export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A time such as 90s, 30m, 2h or 1d, in seconds. */
export function duration(minSeconds: number, maxSeconds: number): (text: string) => number {
  return (text) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text) ?? [];
    const seconds = Number(amount) * (secondsOf[unit ?? ""] ?? NaN);
    if (!(seconds >= minSeconds && seconds <= maxSeconds)) {
      throw new InvalidArgumentError(
        `Give a number and s, m, h or d, such as 30m; ${minSeconds} s to ${maxSeconds} s.`,
      );
    }
    return seconds;
  };
}
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** One of the given words, in whatever case. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Give one of ${words.join(", ")}.`);
    return found;
  };
}
