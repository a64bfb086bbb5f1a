/** An HTTP server that answers as the test says, to see what the command line makes of it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach } from "vitest";

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface FakeApi {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** How requests are answered until the next test. */
  answer: (request: SeenRequest, response: ServerResponse) => void;
}

/** One for the file; forgets what it saw before each test. */
export function useFakeApi(): FakeApi {
  const seen: SeenRequest[] = [];
  const notExpected: FakeApi["answer"] = (_request, response) => {
    json(response, {}, 500);
  };
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const one: SeenRequest = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
      seen.push(one);
      api.answer(one, response);
    });
  });
  const api = {
    url: "",
    seen,
    answer: notExpected,
  };
  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    seen.length = 0;
    api.answer = notExpected;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return api;
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
