// @ts-check
/** A ServerResource in a package of its own: this machine's thermometers. It depends on `muster/api` alone. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, unsupported } from "muster/api";
/** @import { Answer, ManagerLink, ResourceAnswer, ResourceFactory, ServerResource, WireCommand } from "muster/api" */

/** What counts as too hot, in Celsius, until the manager says otherwise. */
const limitDefault = 95;

/**
 * Celsius by the thermometer's name, from Linux's thermal zones.
 * @param {string} directory
 * @returns {Promise<Record<string, number>>}
 */
async function readThermometers(directory) {
  /** @type {Record<string, number>} */
  const celsius = {};
  for (const zone of await readdir(directory)) {
    if (!zone.startsWith("thermal_zone")) continue;
    const text = await readFile(join(directory, zone, "temp"), "utf8");
    celsius[zone] = Number(text) / 1000;
  }
  return celsius;
}

/** @implements {ServerResource} */
class ThermometerResource {
  name = "thermometer";
  #directory;
  #manager;
  #limit = limitDefault;

  /**
   * @param {string} directory
   * @param {ManagerLink} manager
   */
  constructor(directory, manager) {
    this.#directory = directory;
    this.#manager = manager;
  }

  async initialize() {
    const thermometers = Object.keys(await readThermometers(this.#directory)).length;
    return {
      name: this.name,
      resourceType: "thermometer",
      version: "1.0.0",
      facts: { thermometers },
      commandTypes: {
        ReadTemperature: {
          inSequence: false,
          idempotent: true,
          readOnly: true,
          needsNewResources: false,
          evacuation: false,
          check: true,
          waitSeconds: 10,
        },
      },
    };
  }

  async currentStatus() {
    const celsius = Object.values(await readThermometers(this.#directory));
    const hottest = Math.max(0, ...celsius);
    const limit = await this.#limitOfManager();
    return hottest < limit
      ? { healthy: true }
      : { healthy: false, details: `It is ${hottest} °C, and ${limit} °C is the limit.` };
  }

  /** Asks the manager, where a CommandListener may know; keeps to the last word when nobody answers. */
  async #limitOfManager() {
    try {
      const answer = /** @type {Answer & { celsius?: unknown }} */ (
        await this.#manager.ask({ type: "TemperatureLimit" }, { waitMs: 1_000 })
      );
      if (typeof answer.celsius === "number") this.#limit = answer.celsius;
    } catch {
      // Not connected, or no answer in time: asked again with the next ping.
    }
    return this.#limit;
  }

  /**
   * @param {WireCommand} command
   * @returns {Promise<ResourceAnswer>}
   */
  async executeRequest(command) {
    switch (command.type) {
      case "CheckHealth":
        return { type: "CheckHealthAnswer", result: true };
      case "ReadTemperature":
        return this.#readTemperature(command["thermometer"]);
      default:
        return unsupported(command);
    }
  }

  /** @param {unknown} thermometer one of them; all when it is not given */
  async #readTemperature(thermometer) {
    const celsius = await readThermometers(this.#directory);
    if (thermometer === undefined) return { type: "ReadTemperatureAnswer", result: true, celsius };
    const one = typeof thermometer === "string" ? celsius[thermometer] : undefined;
    return one === undefined
      ? failed(
          "ReadTemperatureAnswer",
          "NO_SUCH_THERMOMETER",
          `Known: ${Object.keys(celsius).join(", ")}.`,
        )
      : { type: "ReadTemperatureAnswer", result: true, celsius: { [String(thermometer)]: one } };
  }
}

/** @type {ResourceFactory} */
const createThermometer = ({ config, manager }) => {
  const { directory = "/sys/class/thermal" } = config;
  if (typeof directory !== "string") throw new Error("directory: must be a path.");
  return new ThermometerResource(directory, manager);
};
export default createThermometer;
