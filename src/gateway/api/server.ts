/** The operator API of a gateway: HTTP under `/api/v1`, a WebSocket for Commands in a stream, health and figures. */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import swagger, { type FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { fastify, type FastifyInstance } from "fastify";
import { need, type Config } from "../../config/index.ts";
import { peerHeader, peerName, peerPath, peerToken } from "../peers/peer-auth.ts";
import { packageVersion } from "../version.ts";
import { agentsRoutes } from "./agents-routes.ts";
import { apiMetrics } from "./api-metrics.ts";
import { bearerCheck } from "./auth.ts";
import { BalancerCalls } from "./balancer-calls.ts";
import { brakesRoutes } from "./brakes-routes.ts";
import { Connections } from "./close-connections.ts";
import { codecRoutes, isCodecPath } from "./codec-routes.ts";
import { CommandSockets, type Entry } from "./command-sockets.ts";
import { commandsRoutes } from "./commands-routes.ts";
import type { ApiContext } from "./context.ts";
import { directAgentsRoutes } from "./direct-agents-routes.ts";
import { drainRoutes } from "./drain-routes.ts";
import { ApiError } from "./errors.ts";
import { EventHub } from "./event-hub.ts";
import { eventsRoutes } from "./events-routes.ts";
import { gatewaysRoutes } from "./gateways-routes.ts";
import { healthRoutes } from "./health-routes.ts";
import { LifecycleCalls } from "./lifecycle-calls.ts";
import { refuseOtherMethods } from "./other-methods.ts";
import { maintenanceRoutes } from "./maintenance-routes.ts";
import type { ApiParts } from "./parts.ts";
import { placesRoutes } from "./places-routes.ts";
import { problemOfError } from "./problem-of-error.ts";
import { problemMediaType } from "./problems.ts";
import { recurringRoutes } from "./recurring-routes.ts";
import { refusalsRoutes } from "./refusals-routes.ts";
import { refuseRaw } from "./refuse-raw.ts";
import { RequestCalls } from "./request-calls.ts";
import { parseJson, validatorCompiler, type Api } from "./validation.ts";
import { verbsRoutes } from "./verbs-routes.ts";
import { WebhookCalls } from "./webhook-calls.ts";
import { webhooksRoutes } from "./webhooks-routes.ts";
import { whyRoutes } from "./why-routes.ts";

const requestTimeoutMs = 60_000;
const tokenNeeded = "Show MUSTER_API_TOKEN as `Authorization: Bearer …`.";
/** What a gateway adds to a caller's message: ids that the caller left out. */
const peerEnvelopeBytes = 64 * 1024;
/** Open to whoever can reach the port: they say nothing about agents. */
const open: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * Builds the operator API; the caller listens, and closes it: that ends event streams and command sockets, and
 * waits for the calls under way.
 * @throws ConfigError when there is no MUSTER_API_TOKEN, or the certificate can't be read.
 */
export async function buildOperatorApi(context: ApiContext): Promise<FastifyInstance> {
  const { config, db, log, temporal } = context;
  const what = "the token that operators show as a bearer token, 16 characters or more";
  const isAuthorized = bearerCheck(need(config.apiToken, "MUSTER_API_TOKEN", what));
  const api = createServer(config);
  const connections = new Connections(api.server);
  const closing = new AbortController();
  const lifecycle = new LifecycleCalls(temporal, db);
  const balancer = new BalancerCalls(temporal, db);
  const webhooks = new WebhookCalls(temporal, db, config.payloadKeys);
  const events = new EventHub({ db, log });
  const requests = new RequestCalls({ ...context, lifecycle });
  const calls = { lifecycle, requests, balancer, webhooks };
  const parts: ApiParts = { ...context, ...calls, events, closing: closing.signal };
  const sockets = new CommandSockets(socketEntries(parts, isAuthorized));

  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  api.removeAllContentTypeParsers();
  api.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? undefined : parseJson(body.toString()));
    } catch (error) {
      done(error as Error);
    }
  });
  answerProblems(api, log);
  apiMetrics(api, context.metrics, sockets);
  requireToken(api, isAuthorized);
  api.addHook("preClose", async () => {
    closing.abort();
    connections.close();
    await sockets.close();
  });
  api.addHook("onClose", async () => {
    await Promise.all([lifecycle.settle(), balancer.settle(), webhooks.settle()]);
  });

  await api.register(swagger, { openapi: openApiDocument });
  const finishMethods = refuseOtherMethods(api);
  healthRoutes(api, parts);
  codecRoutes(api, parts);
  await api.register(
    (versioned, _options, done) => {
      for (const routes of [
        agentsRoutes,
        directAgentsRoutes,
        refusalsRoutes,
        placesRoutes,
        commandsRoutes,
        recurringRoutes,
        verbsRoutes,
        maintenanceRoutes,
        gatewaysRoutes,
        drainRoutes,
        eventsRoutes,
        whyRoutes,
        brakesRoutes,
        webhooksRoutes,
      ]) {
        routes(versioned, parts);
      }
      versioned.get("/openapi.json", { schema: { hide: true } }, () => api.swagger());
      done();
    },
    { prefix: "/api/v1" },
  );
  finishMethods();
  sockets.attach(api.server);
  await api.ready();
  return api;
}

/** Callers, and other gateways: these call for agents that this one holds, and are not sent on. */
function socketEntries(
  parts: ApiParts,
  isAuthorized: (authorization: string | undefined) => boolean,
): readonly Entry[] {
  const { config, localLanes, gateway } = parts;
  const isPeer = bearerCheck(peerToken(config.apiToken ?? ""));
  return [
    {
      path: "/api/v1/socket",
      parts,
      messageBytesMax: config.frameBytesMax,
      refuse: ({ headers: { authorization } }) =>
        isAuthorized(authorization) ? undefined : ["UNAUTHENTICATED", tokenNeeded],
    },
    {
      path: peerPath,
      parts: { ...parts, lanes: localLanes },
      messageBytesMax: config.frameBytesMax + peerEnvelopeBytes,
      refuse: ({ headers }) => {
        if (!isPeer(headers.authorization)) {
          return ["UNAUTHENTICATED", "Gateways of one cluster have one MUSTER_API_TOKEN."];
        }
        const name = peerName(gateway);
        if (headers[peerHeader] === name) return undefined;
        return ["AGENT_ELSEWHERE", `This is ${name}: look the agent up again.`];
      },
    },
  ];
}

function createServer(config: Config): Api {
  const { tlsCertFile, tlsKeyFile } = config;
  const https =
    tlsCertFile === undefined || tlsKeyFile === undefined
      ? null
      : { cert: readFileSync(tlsCertFile), key: readFileSync(tlsKeyFile) };
  // The two kinds of server differ in type only in what the routes never touch.
  return fastify({
    https,
    logger: false,
    // A request that arrives byte by byte must not hold a connection for ever.
    requestTimeout: requestTimeoutMs,
    clientErrorHandler: (error: Error & { readonly code?: string }, socket: Socket) => {
      if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
      else refuseRaw(socket, "INVALID_REQUEST", `This is no HTTP request: ${error.message}.`);
    },
    bodyLimit: config.frameBytesMax,
    routerOptions: { maxParamLength: 200 },
  } as object);
}

function requireToken(
  api: Api,
  isAuthorized: (authorization: string | undefined) => boolean,
): void {
  api.addHook("onRequest", async (request, reply) => {
    const decidesItself = open.has(request.url) || isCodecPath(request.url);
    if (decidesItself || isAuthorized(request.headers.authorization)) return;
    reply.header("www-authenticate", 'Bearer realm="muster"');
    throw new ApiError("UNAUTHENTICATED", tokenNeeded);
  });
}

function answerProblems(api: Api, log: ApiContext["log"]): void {
  api.setErrorHandler(async (error, request, reply) => {
    const problem = problemOfError(error);
    if (problem.status >= 500 && problem.code !== "NOT_READY") {
      const at = { method: request.method, route: request.routeOptions.url };
      log.warn({ ...at, err: error, code: problem.code }, "a call of the operator API failed");
    }
    return await reply.code(problem.status).type(problemMediaType).send(problem);
  });
  api.setNotFoundHandler((request) => {
    throw new ApiError(
      "ROUTE_UNKNOWN",
      `There is no ${request.url.split("?")[0] ?? ""}: /api/v1/openapi.json lists what there is.`,
    );
  });
}

const openApiDocument: NonNullable<FastifyDynamicSwaggerOptions["openapi"]> = {
  openapi: "3.1.0",
  info: {
    title: "Muster operator API",
    version: packageVersion(),
    description:
      "Refusals are problem details (RFC 9457) with a stable `code`. Beside these paths: the WebSocket " +
      "`/api/v1/socket` (docs/CLIENT-API.md), `/healthz`, `/readyz` and `/metrics`.",
  },
  components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  security: [{ token: [] }],
};
