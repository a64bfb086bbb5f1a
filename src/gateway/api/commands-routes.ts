/** Sending Commands, and asking what became of them. */
import type { FastifyReply } from "fastify";
import type { CallerRequest, OpenCall } from "../command-lanes.ts";
import { linesMediaType, streamAnswers, wantsLines } from "./answer-stream.ts";
import { callerRequest, checkFits } from "./caller-request.ts";
import {
  cancelQuery,
  cancelResult,
  commandsBody,
  commandsResult,
  lookUpQuery,
  requestParams,
  requestView,
  submitResult,
} from "./command-schemas.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { agentParams, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["commands"];

export function commandsRoutes(api: Api, parts: ApiParts): void {
  sendRoute(api, parts);
  requestRoutes(api, parts);
}

function sendRoute(api: Api, { config, lanes }: ApiParts): void {
  api.post(
    "/agents/:id/commands",
    {
      schema: {
        tags,
        summary: "Send Commands and wait for their Answers",
        description:
          "Answers within the wait, one for each Command: its own, or one whose `outcome` says what is known. " +
          "Asking again with the same `requestId` on the durable lane gives the same Request. " +
          `With \`Accept: ${linesMediaType}\` the Answers come as they are there, a JSON object a line: ` +
          '`{"type":"admitted",…}` (durable lane), `{"type":"answer","index",…}` and last `{"type":"end","answers":[…]}` or ' +
          '`{"type":"problem","problem"}`. When the connection closes, a Request of the direct lane is cancelled; one of the durable ' +
          "lane goes on.",
        params: agentParams,
        body: commandsBody,
        response: responses(commandsResult, "One Answer for each Command, in order.", {
          202: {
            description: "`wait: false`: the Request is recorded.",
            content: { "application/json": { schema: submitResult } },
          },
        }),
      },
    },
    async ({ params: { id }, body, headers }, reply) => {
      const { lane, wait } = body;
      const request = callerRequest(body);
      const { requestId } = request;
      checkFits(request, Number(headers["content-length"] ?? Infinity), config.frameBytesMax);
      if (wait === false) {
        if (lane === "direct") {
          const message =
            "`wait: false` is for the durable lane: nothing keeps the Answers of the direct lane.";
          throw new ApiError("INVALID_REQUEST", message);
        }
        const admission = await lanes.submitDurable(id, request);
        return await reply.code(202).send({ requestId, ...admission });
      }
      const open: CallerRequest = { ...request, onOpen: leftWith(reply) };
      const send = (one: CallerRequest) =>
        lane === "direct" ? lanes.sendDirect(id, one) : lanes.sendDurable(id, one);
      if (!wantsLines(headers.accept)) return { requestId, answers: await send(open) };
      await streamAnswers(open, send, () => {
        reply.hijack();
        return reply.raw;
      });
      return reply;
    },
  );
}

function requestRoutes(api: Api, { requests }: ApiParts): void {
  api.get(
    "/requests/:id",
    {
      schema: {
        tags,
        summary: "What became of a Request of the durable lane",
        params: requestParams,
        querystring: lookUpQuery,
        response: responses(requestView),
      },
    },
    async ({ params: { id }, query: { waitSeconds = 0 } }, reply) =>
      await requests.lookUp(id, waitSeconds, leftWith(reply)),
  );

  api.delete(
    "/requests/:id",
    {
      schema: {
        tags,
        summary: "Cancel a Request: each of its Commands still gets one Answer",
        params: requestParams,
        querystring: cancelQuery,
        response: responses(cancelResult),
      },
    },
    async ({ params: { id }, query: { reason } }) => ({
      requestId: id,
      ...(await requests.cancel(id, reason)),
    }),
  );
}

/** The caller leaves its call when its connection closes before the response is written. */
function leftWith({ raw }: FastifyReply): (call: OpenCall) => void {
  return (call) => {
    raw.once("close", () => {
      if (!raw.writableEnded) call.leave("its caller's connection closed");
    });
  };
}
