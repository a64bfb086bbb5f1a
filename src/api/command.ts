import type { Answer } from "./answer.ts";

/**
 * How a Command type behaves. Declared once for each type; the manager admits, orders, retries and
 * times Commands by it, so a wrong trait is a wrong promise to the caller.
 */
export interface CommandTraits {
  /** Runs one at a time for each agent, in `seq` order. The agent enforces it. */
  readonly inSequence: boolean;
  /** Running it twice is harmless: an agent that crashed in the middle may run it again. */
  readonly idempotent: boolean;
  /** Changes nothing: may use the direct lane and is never journalled. */
  readonly readOnly: boolean;
  /** Takes up new resources: refused while the resource is Disabled. */
  readonly needsNewResources: boolean;
  /** Moves or stops a workload: allowed while the host is emptied for maintenance. */
  readonly evacuation: boolean;
  /** A check of health or inventory: allowed where only checks are. */
  readonly check: boolean;
  /** How long a caller waits by default, in seconds. */
  readonly waitSeconds: number;
  /**
   * Fields that hold secrets, nested ones with dots (`spec.rootPassword`): sealed from the gateway to the agent's socket,
   * so that no log, event or history shows them.
   */
  readonly secretFields?: readonly string[];
}

/**
 * A request to a ServerResource. Plain data: it crosses the wire as JSON with `type` as its tag.
 * The type parameter ties a Command to the Answer it gets: `send(new StartVmCommand(…))` gives a `StartVmAnswer`.
 */
export abstract class Command<A extends Answer = Answer> {
  /** Never present at run time; carries the Answer's type for callers. */
  declare readonly answer?: A;
  abstract readonly type: string;
  /** Unique for ever; at most one execution for each id. The gateway fills it in when absent. */
  readonly id?: string;
  /** Name of the resource to run it, for agents that hold several; by default the first that maps the type. */
  readonly resource?: string;

  constructor(options: CommandOptions = {}) {
    if (options.id !== undefined) this.id = options.id;
    if (options.resource !== undefined) this.resource = options.resource;
  }
}

/** What every Command may be given. */
export interface CommandOptions {
  readonly id?: string;
  readonly resource?: string;
}

/** The Answer that belongs to a Command type. */
export type AnswerOf<C extends Command> = C extends Command<infer A> ? A : Answer;

/** A Command as it arrives over the wire: its id is always set, its fields are of its type. */
export interface WireCommand {
  readonly type: string;
  readonly id: string;
  readonly resource?: string;
  readonly [field: string]: unknown;
}
