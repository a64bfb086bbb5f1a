/** What the operator API asks of the balancer. Every call has a deadline. */
import { WorkflowNotFoundError, type Client } from "@temporalio/client";
import { listGateways, type Db } from "../../db/index.ts";
import {
  balancerQuery,
  balancerType,
  balancerWorkflowId,
  cancelDrainUpdate,
  drainUpdate,
  fleetChangedSignal,
  pauseDrainUpdate,
  resumeDrainUpdate,
  type BalancerRefusal,
  type BalancerView,
  type DrainMessage,
  type DrainVerbMessage,
  type DrainView,
} from "../../workflows/balancer-messages.ts";
import { balancerStartOptions } from "../../workflows/start-options.ts";
import { CallsInFlight } from "./calls-in-flight.ts";
import { ApiError } from "./errors.ts";
import { problemIn } from "./update-problem.ts";

const callMs = 10_000;

/** What an operator may do about a drain that goes on. */
export const drainVerbs = {
  pause: pauseDrainUpdate,
  resume: resumeDrainUpdate,
  cancel: cancelDrainUpdate,
} as const;
export type DrainVerb = keyof typeof drainVerbs;

export class BalancerCalls {
  readonly #client: Client;
  readonly #db: Db;
  readonly #calls: CallsInFlight;

  constructor(client: Client, db: Db) {
    this.#client = client;
    this.#db = db;
    this.#calls = new CallsInFlight(client);
  }

  /** @throws ApiError, as all of these. */
  async state(): Promise<BalancerView> {
    return await this.#ask(() => this.#handle().query(balancerQuery));
  }

  /** The newest drain of a gateway. */
  async drainOf(gatewayId: string): Promise<DrainView> {
    await this.#joinedGateway(gatewayId, false);
    const { drains } = await this.state();
    const drain = drains.findLast((one) => one.gatewayId === gatewayId);
    if (drain === undefined) throw notDraining(gatewayId);
    return drain;
  }

  async drain(message: DrainMessage, key: string): Promise<DrainView> {
    await this.#joinedGateway(message.gatewayId, true);
    return await this.#ask(() =>
      this.#handle().executeUpdate(drainUpdate, { args: [message], updateId: `drain/${key}` }),
    );
  }

  async verb(verb: DrainVerb, message: DrainVerbMessage, key: string): Promise<DrainView> {
    await this.#joinedGateway(message.gatewayId, false);
    return await this.#ask(() =>
      this.#handle().executeUpdate(drainVerbs[verb], {
        args: [message],
        updateId: `${verb}/${key}`,
      }),
    );
  }

  async settle(): Promise<void> {
    await this.#calls.settle();
  }

  #handle() {
    return this.#client.workflow.getHandle(balancerWorkflowId);
  }

  async #joinedGateway(gatewayId: string, mustBeThere: boolean): Promise<void> {
    const gateway = (await listGateways(this.#db)).find(({ id }) => id === gatewayId);
    if (gateway === undefined) {
      const message = `There is no gateway ${gatewayId}: look at \`muster gateways\`.`;
      throw new ApiError("GATEWAY_UNKNOWN", message);
    }
    if (!mustBeThere || gateway.state === "joined") return;
    const message = `Gateway ${gatewayId} is ${gateway.state}: there is nothing to drain.`;
    throw new ApiError("GATEWAY_NOT_JOINED", message);
  }

  /** Starts the balancer when there is none, as after one that was ended by hand. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#calls.run(callMs, async () => {
        try {
          return await call();
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
          await this.#client.workflow.signalWithStart(balancerType, {
            ...balancerStartOptions(),
            signal: fleetChangedSignal,
            signalArgs: [{ reason: "there was no balancer" }],
          });
          return await call();
        }
      });
    } catch (error) {
      throw problemIn(error, (type) => type as BalancerRefusal, outage) ?? error;
    }
  }
}

const outage =
  "The balancer did not answer in time: Temporal or the lifecycle workers are away or busy. Look, or ask again.";

function notDraining(gatewayId: string): ApiError {
  return new ApiError("NOT_DRAINING", `Gateway ${gatewayId} was not drained lately.`);
}
