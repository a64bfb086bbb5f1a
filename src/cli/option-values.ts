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

/** Whole numbers from–to, such as 0-20, or one number for both. */
export function bounds(text: string): { readonly least: number; readonly most: number } {
  const [, from = "", to = from] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? [];
  if (from === "" || Number(to) < Number(from)) {
    throw new InvalidArgumentError("Give a number, or two such as 5-50.");
  }
  return { least: Number(from), most: Number(to) };
}

/**
 * When something happens and how long it lasts: `what@30s+60s`. Without `@` it happens at once, without `+` it has no end.
 */
export function moment(text: string): {
  readonly what: string;
  readonly atMs: number;
  readonly forMs: number | undefined;
} {
  const [, what, at, lasts] = /^([^@+]+)(?:@([^+]+))?(?:\+(.+))?$/.exec(text) ?? [];
  if (what === undefined) throw new InvalidArgumentError("Give it as what@30s+60s.");
  const time = duration(0, 604_800);
  return {
    what,
    atMs: at === undefined ? 0 : time(at) * 1_000,
    forMs: lasts === undefined ? undefined : time(lasts) * 1_000,
  };
}

/** A share of all such as 10%, with its moment. */
export function shareAt(text: string): {
  readonly share: number;
  readonly atMs: number;
  readonly forMs: number | undefined;
} {
  const { what, ...when } = moment(text);
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(what)?.[1]);
  if (!(percent > 0 && percent <= 100)) {
    throw new InvalidArgumentError("Give a share such as 10%, or 10%@30s.");
  }
  return { share: percent / 100, ...when };
}
