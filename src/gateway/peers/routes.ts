/** Which gateway holds an agent, remembered for a moment: a route is a help, and a stale one is found out. */
import type { Route } from "../../db/index.ts";

const rememberedMs = 10_000;
const rememberedMax = 50_000;

export class Routes {
  readonly #look: (agentId: string) => Promise<Route | undefined>;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, { readonly route: Route; readonly untilMs: number }>();

  constructor(look: (agentId: string) => Promise<Route | undefined>, nowMs: () => number) {
    this.#look = look;
    this.#nowMs = nowMs;
  }

  /** The gateway that holds the agent's session; undefined when none does. Throws what the look-up throws. */
  async find(agentId: string): Promise<Route | undefined> {
    const known = this.#known.get(agentId);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known.route;
    const route = await this.#look(agentId);
    this.#known.delete(agentId);
    if (route === undefined) return undefined;
    if (this.#known.size >= rememberedMax) this.#known.clear();
    this.#known.set(agentId, { route, untilMs: this.#nowMs() + rememberedMs });
    return route;
  }

  /** The agent was not there. */
  forget(agentId: string): void {
    this.#known.delete(agentId);
  }
}
