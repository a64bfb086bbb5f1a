/** Reads docker-compose.yml as Compose does: variables filled in, anchors merged. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly expose?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

export const composeText = readFileSync(repositoryFile("docker-compose.yml"), "utf8");

/** What every required variable is set to in tests. */
export const exampleSettings: Readonly<Record<string, string>> = {
  DB_PASSWORD_ADMIN: "admin-0123456789abcdef",
  DB_PASSWORD_TEMPORAL: "temporal-0123456789abcdef",
  DB_PASSWORD_MUSTER: "muster-0123456789abcdef",
  MUSTER_API_TOKEN: "api-0123456789abcdef",
  MUSTER_JOIN_TOKEN: "join-0123456789abcdef",
  PUBLIC_HOST: "muster.example",
};

/** @throws Error naming a `${VARIABLE:?message}` that `settings` lacks, as Compose does. */
export function readCompose(settings: Readonly<Record<string, string>>): ComposeFile {
  // Values only: comments may speak of variables too.
  return parse(composeText, {
    merge: true,
    reviver: (_key, value: unknown) => (typeof value === "string" ? fill(value, settings) : value),
  }) as ComposeFile;
}

/** Names of the variables that Compose asks for with `:?`. */
export function requiredVariables(): string[] {
  return [...new Set([...composeText.matchAll(/\$\{(\w+):\?/g)].map((match) => match[1] ?? ""))];
}

function fill(value: string, settings: Readonly<Record<string, string>>): string {
  return value.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_whole, name: string, kind: string | undefined, text = "") => {
      const given = settings[name];
      if (given !== undefined && given !== "") return given;
      if (kind === "-") return String(text);
      throw new Error(`${name}: ${String(text)}`);
    },
  );
}
