/** An endpoint of somebody else for webhooks: a real HTTP server that answers as the test says and checks every signature. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

export interface DeliveredEvent {
  readonly id: number;
  readonly agentId: string;
  readonly no: number;
  readonly type: string;
  readonly text: string;
}
export interface Delivery {
  readonly path: string;
  readonly messageId: string;
  readonly body: string;
  readonly events: readonly DeliveredEvent[];
  /** Verified with the endpoint's own secret, by code that is not Muster's. */
  readonly verified: boolean;
  /** What it was answered; undefined while it is not. */
  status?: number;
}
/** A status, or the answer itself. */
export type Behaviour = (
  delivery: Delivery,
  response: ServerResponse,
  request: IncomingMessage,
) => number | undefined;

export class Endpoint {
  /** In the order of arrival. */
  readonly deliveries: Delivery[] = [];
  /** As in POST webhooks; signatures are checked against it. */
  secret = "";
  behave: Behaviour = () => 204;
  readonly #server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      this.#take(request, response, body);
    });
  });

  static async start(): Promise<Endpoint> {
    const endpoint = new Endpoint();
    await once(endpoint.#server.listen(0, "127.0.0.1"), "listening");
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  /** Every event that was accepted, in the order of arrival: some may be there twice. */
  get accepted(): readonly DeliveredEvent[] {
    return this.deliveries
      .filter(({ status = 0 }) => status >= 200 && status < 300)
      .flatMap(({ events }) => events);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { headers } = request;
    const delivery: Delivery = {
      path: request.url ?? "",
      messageId: String(headers["webhook-id"]),
      body,
      events: JSON.parse(body) as DeliveredEvent[],
      verified: this.#verify(headers, body),
    };
    this.deliveries.push(delivery);
    const status = this.behave(delivery, response, request);
    if (status === undefined) return;
    delivery.status = status;
    response.writeHead(status).end();
  }

  /** As docs/HOOKS.md shows it. */
  #verify(headers: IncomingMessage["headers"], body: string): boolean {
    const [id, at] = [headers["webhook-id"], headers["webhook-timestamp"]];
    const key = Buffer.from(this.secret.slice("whsec_".length), "base64");
    const signed = `${String(id)}.${String(at)}.${body}`;
    const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
    const isFresh = Math.abs(Date.now() / 1_000 - Number(at)) < 300;
    return isFresh && headers["webhook-signature"] === expected;
  }
}

/** Endpoints that are closed after each test. */
export function useEndpoints(): () => Promise<Endpoint> {
  const endpoints: Endpoint[] = [];
  afterEach(async () => {
    await Promise.all(endpoints.splice(0).map((one) => one.stop()));
  });
  return async () => {
    const endpoint = await Endpoint.start();
    endpoints.push(endpoint);
    return endpoint;
  };
}

/** The first appearance of each event: what is left when a receiver drops those that it has seen. */
export function withoutRepeats(events: readonly DeliveredEvent[]): readonly DeliveredEvent[] {
  const seen = new Set<number>();
  return events.filter(({ id }) => !seen.has(id) && seen.add(id));
}
