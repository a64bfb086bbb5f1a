/** Direct agents: declared here, run by the gateways. A declaration ends as an agent does: by its removal. */
import {
  declareDirectAgent,
  findDirectAgent,
  listDirectAgents,
  type DirectAgentRow,
} from "../../db/index.ts";
import { holdsSecrets, maskedSettings, whyNotDirect } from "../../lifecycle/direct-declaration.ts";
import { directConfigPlace, sealText } from "../../secrets/sealed-text.ts";
import {
  directAgent,
  directAgentsPage,
  directAgentsQuery,
  newDirectAgent,
} from "./direct-agents-schemas.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { agentParams, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["direct agents"];
const pageSize = 100;

interface NewDirectAgent {
  readonly id: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resource: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

export function directAgentsRoutes(api: Api, parts: ApiParts): void {
  const { db } = parts;
  api.get(
    "/direct-agents",
    {
      schema: {
        tags,
        summary: "Declared direct agents in the order of their ids, and who owns them",
        querystring: directAgentsQuery,
        response: responses(directAgentsPage),
      },
    },
    async ({ query: { limit = pageSize, ...page } }) => {
      const rows = await listDirectAgents(db, { ...page, limit: limit + 1 });
      const directAgents = rows.slice(0, limit);
      return { directAgents, next: rows.length > limit ? (directAgents.at(-1)?.id ?? null) : null };
    },
  );

  api.get(
    "/direct-agents/:id",
    {
      schema: {
        tags,
        summary: "One direct agent as it was declared, and who owns it",
        params: agentParams,
        response: responses(directAgent),
      },
    },
    async ({ params: { id } }) => {
      const row = await findDirectAgent(db, id);
      if (row === undefined) throw unknown(id);
      return row;
    },
  );

  api.post(
    "/direct-agents",
    {
      schema: {
        tags,
        summary: "Declare a direct agent: one of the gateways runs it from now on",
        body: newDirectAgent,
        response: responses(directAgent),
      },
    },
    async ({ body }) => await declare(parts, body),
  );
}

/** @throws ApiError INVALID_REQUEST, PAYLOAD_KEY_NEEDED, AGENT_EXISTS. */
async function declare(
  { db, config: { directResources, payloadKeys } }: ApiParts,
  agent: NewDirectAgent,
): Promise<DirectAgentRow> {
  const { config = {}, ...place } = agent;
  const { id, resource } = place;
  const why = whyNotDirect(resource, config, directResources);
  if (why !== undefined) throw new ApiError("INVALID_REQUEST", why);
  if (payloadKeys.encryptingId === undefined && holdsSecrets(config)) {
    throw new ApiError(
      "PAYLOAD_KEY_NEEDED",
      "Its config holds secrets, and this gateway has no key to seal them with: set MUSTER_PAYLOAD_KEY on all gateways " +
        "(muster payload-key new k1 makes one), then declare it again.",
    );
  }
  const kept = sealText(payloadKeys, directConfigPlace(id), JSON.stringify(config));
  const done = await declareDirectAgent(db, {
    ...place,
    config: kept,
    shownConfig: maskedSettings(config),
  });
  if (done !== "declared") throw taken(id, done === "declaredBefore");
  const row = await findDirectAgent(db, id);
  if (row === undefined) throw unknown(id);
  return row;
}

function taken(id: string, declared: boolean): ApiError {
  const what = declared
    ? `Direct agent ${id} is declared already: remove it (muster remove ${id} --yes) and declare one of another id`
    : `Agent id ${id} is used by another agent, or was: give the direct agent an id of its own`;
  return new ApiError("AGENT_EXISTS", `${what}.`);
}

function unknown(id: string): ApiError {
  const message = `There is no direct agent ${id}: \`muster agent list --direct\` shows those that there are.`;
  return new ApiError("AGENT_UNKNOWN", message);
}
