/** The file MUSTER_BMC_FILE: which host has which BMC, and how to log in there. */
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** How a BMC is reached. Holds a secret: never into a log line or a finding. */
export interface Bmc {
  readonly url: URL;
  readonly username: string;
  readonly password: string;
  /** Id of the ComputerSystem, or its path; needed where the BMC stands for several. */
  readonly system: string | undefined;
  /** PEM certificates to trust. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
}

/** The file, or what it says of one host, can't be used. The message says what to change. */
export class BmcFileError extends Error {
  readonly code = "BMC_FILE";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BmcFileError";
  }
}

type Entries = Readonly<Record<string, unknown>>;

export class BmcFile {
  readonly #path: string;
  #read: { readonly version: string; readonly entries: Entries } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The BMC of one host; undefined when the file names none. The file is read anew once it has changed.
   * @throws BmcFileError
   */
  async find(agentId: string): Promise<Bmc | undefined> {
    const entries = await this.#entries();
    if (!Object.hasOwn(entries, agentId)) return undefined;
    return await this.#bmcOf(agentId, entries[agentId]);
  }

  /** How many BMCs there are. @throws BmcFileError */
  async count(): Promise<number> {
    return Object.keys(await this.#entries()).length;
  }

  async #entries(): Promise<Entries> {
    const found = await stat(this.#path).catch((cause: unknown) => {
      throw this.#wrong("can't be read", cause);
    });
    if ((found.mode & 0o007) !== 0) {
      throw this.#wrong(`may be read by everybody: run chmod 600 ${this.#path}`);
    }
    const version = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join(" ");
    if (this.#read?.version !== version) {
      this.#read = { version, entries: await this.#readEntries() };
    }
    return this.#read.entries;
  }

  async #readEntries(): Promise<Entries> {
    const text = await readFile(this.#path, "utf8").catch((cause: unknown) => {
      throw this.#wrong("can't be read", cause);
    });
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      // Not as the cause: V8's message quotes the text, passwords and all.
      throw this.#wrong("is no JSON");
    }
    const bmcs = isRecord(parsed) ? parsed["bmcs"] : undefined;
    if (!isRecord(bmcs)) throw this.#wrong('must be { "bmcs": { "<agent id>": { … } } }');
    return bmcs;
  }

  async #bmcOf(agentId: string, entry: unknown): Promise<Bmc> {
    const wrong = (problem: string) => this.#wrong(`bmcs.${agentId} ${problem}`);
    if (!isRecord(entry)) throw wrong("must be an object");
    const unknown = Object.keys(entry).find((field) => !fields.has(field));
    if (unknown !== undefined) throw wrong(`has an unknown field ${unknown}`);
    const text = (field: string): string => {
      const value = entry[field];
      if (typeof value !== "string" || value === "") throw wrong(`needs ${field}, a text`);
      return value;
    };
    const optional = (field: string) => (entry[field] === undefined ? undefined : text(field));
    const { insecure = false } = entry;
    if (typeof insecure !== "boolean") throw wrong("insecure must be true or false");
    const caFile = optional("caFile");
    return {
      url: originOf(text("url"), wrong),
      username: text("username"),
      password: text("password"),
      system: optional("system"),
      ca: caFile === undefined ? undefined : await this.#certificates(agentId, caFile),
      insecure,
    };
  }

  /** Found beside the file itself when its path is relative. */
  async #certificates(agentId: string, caFile: string): Promise<string> {
    const path = resolve(dirname(this.#path), caFile);
    return await readFile(path, "utf8").catch((cause: unknown) => {
      throw this.#wrong(`bmcs.${agentId}.caFile: ${path} can't be read`, cause);
    });
  }

  #wrong(problem: string, cause?: unknown): BmcFileError {
    return new BmcFileError(`MUSTER_BMC_FILE ${this.#path}: ${problem}`, { cause });
  }
}

const fields = new Set(["url", "username", "password", "system", "caFile", "insecure"]);

function originOf(text: string, wrong: (problem: string) => BmcFileError): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && url.href === `${url.origin}/`;
  if (!plain || !["http:", "https:"].includes(url.protocol)) {
    throw wrong("needs url, such as https://10.0.0.7 (no path, no password in it)");
  }
  return url;
}

function isRecord(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
