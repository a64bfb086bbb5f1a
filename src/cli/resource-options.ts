/** `--resource a --config {…} --resource b`: each --config and --uri belongs to the --resource before it. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";

/** A resource as `src/agent` takes it. */
export interface ResourceChoice {
  readonly module: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Collects the options as commander meets them, from left to right. */
export class ResourceChoices {
  readonly #chosen: { module: string; config: Readonly<Record<string, unknown>> }[] = [];

  readonly add = (module: string): readonly ResourceChoice[] => {
    this.#chosen.push({ module, config: {} });
    return this.#chosen;
  };

  readonly configure = (text: string): true => {
    this.#merge("--config", parseConfig(text));
    return true;
  };

  readonly connectTo = (uri: string): true => {
    this.#merge("--uri", { uri });
    return true;
  };

  #merge(option: string, config: Readonly<Record<string, unknown>>): void {
    const last = this.#chosen.at(-1);
    if (last === undefined) {
      throw new InvalidArgumentError(`Put ${option} after the --resource that it is for.`);
    }
    last.config = { ...last.config, ...config };
  }
}

/** JSON itself, or `@file` with JSON in it; always an object. */
export function parseConfig(text: string): Readonly<Record<string, unknown>> {
  const json = text.startsWith("@") ? readConfigFile(text.slice(1)) : text;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`It is not JSON: ${why}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('Give a JSON object, such as \'{"uri":"qemu:///system"}\'.');
  }
  return value as Readonly<Record<string, unknown>>;
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`The file can't be read: ${why}`);
  }
}
