/** The resources of one agent: describes them at connect, routes Commands to them, asks them how they are. */
import {
  traitsOf,
  unsupported,
  type CommandTraits,
  type ExecuteOptions,
  type ResourceAnswer,
  type ResourceStatus,
  type ServerResource,
  type StartupCommand,
  type WireCommand,
} from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { withTimeLimit } from "./time-limit.ts";

/** Resources that take longer to prepare keep the agent from connecting. */
const initializeLimitMs = 60_000;

/** Where the agent's host stands, unless its resources know better. */
export interface Place {
  readonly zone: string;
  readonly cluster: string;
}

export class ResourceSet {
  readonly #resources: readonly ServerResource[];
  readonly #place: Place;
  readonly #log: Log;
  readonly #asking = new Set<ServerResource>();
  #declared: Readonly<Record<string, CommandTraits>> = {};

  constructor(resources: readonly ServerResource[], place: Place, log: Log) {
    this.#resources = resources;
    this.#place = place;
    this.#log = log;
  }

  /**
   * Prepares every resource and describes it.
   * @throws whatever a resource throws, or TimeLimitError.
   */
  async describe(): Promise<readonly StartupCommand[]> {
    const startups = await Promise.all(
      this.#resources.map(async (resource): Promise<StartupCommand> => {
        const what = `Resource ${resource.name}: initialize`;
        const described = await withTimeLimit(resource.initialize(), initializeLimitMs, what);
        return { ...this.#place, ...described, name: resource.name, type: "Startup" };
      }),
    );
    this.#declared = Object.fromEntries(
      startups.flatMap(({ commandTypes }) => Object.entries(commandTypes ?? {})),
    );
    return startups;
  }

  traitsOf(type: string): CommandTraits {
    return traitsOf(type, this.#declared);
  }

  /** Whether the Command names a resource that this agent lacks. */
  lacks(command: WireCommand): boolean {
    const { resource } = command;
    return resource !== undefined && !this.#resources.some(({ name }) => name === resource);
  }

  /** The Answer of the resource that the Command names, else of the first that maps its type. */
  async execute(command: WireCommand, options: ExecuteOptions): Promise<ResourceAnswer> {
    const asked = this.#resources.filter(
      ({ name }) => command.resource === undefined || name === command.resource,
    );
    for (const resource of asked) {
      const answer = await resource.executeRequest(command, options);
      // Foreign code: what it returns is checked by whoever sends it.
      const type = (answer as ResourceAnswer | null | undefined)?.type;
      if (type !== "UnsupportedAnswer") return answer;
    }
    return unsupported(command);
  }

  /** What each resource says of itself; one that throws, or takes longer than `limitMs`, is unhealthy. */
  statuses(limitMs: number): Promise<readonly ResourceStatus[]> {
    return Promise.all(this.#resources.map((resource) => this.#statusOf(resource, limitMs)));
  }

  /** Tells the resources that the session ended. */
  disconnected(): void {
    for (const resource of this.#resources) {
      try {
        resource.disconnected?.();
      } catch (error) {
        this.#log.warn({ err: error, resource: resource.name }, "resource failed on disconnected");
      }
    }
  }

  async close(): Promise<void> {
    for (const resource of this.#resources) {
      try {
        await withTimeLimit(
          resource.close?.() ?? Promise.resolve(),
          5_000,
          `Resource ${resource.name}: close`,
        );
      } catch (error) {
        this.#log.warn({ err: error, resource: resource.name }, "resource failed to close");
      }
    }
  }

  async #statusOf(resource: ServerResource, limitMs: number): Promise<ResourceStatus> {
    const { name } = resource;
    if (this.#asking.has(resource)) {
      return {
        name,
        healthy: false,
        details: "Still has not said how it is since an earlier ping.",
      };
    }
    this.#asking.add(resource);
    try {
      const asking = Promise.resolve(resource.currentStatus()).finally(() => {
        this.#asking.delete(resource);
      });
      return { ...(await withTimeLimit(asking, limitMs, "currentStatus")), name };
    } catch (error) {
      this.#log.warn({ err: error, resource: name }, "resource could not say how it is");
      return { name, healthy: false, details: String(error).slice(0, 1_000) };
    }
  }
}
