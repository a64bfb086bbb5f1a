/**
 * A resource that counts its own effects, for the fault matrix: each one is a line in a file, on disk before the Answer.
 * While the file `gate` exists its Commands do not go on: those with `pauseAfter` wait behind their effect, the others
 * before it. `muster agent --resource <this file> --config '{"folder": …}'`; it depends on `muster/api`'s shapes alone.
 */
import { existsSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const gateEveryMs = 20;

const traits = {
  needsNewResources: false,
  evacuation: false,
  check: false,
  readOnly: false,
  waitSeconds: 60,
};
const commandTypes = {
  Step: { ...traits, inSequence: true, idempotent: false },
  FreeStep: { ...traits, inSequence: false, idempotent: false },
  Redo: { ...traits, inSequence: true, idempotent: true },
  FreeRedo: { ...traits, inSequence: false, idempotent: true },
};

class EffectsResource {
  name = "effects";
  #gate;
  #begun;
  #effects;

  constructor(folder) {
    mkdirSync(folder, { recursive: true });
    this.#gate = join(folder, "gate");
    this.#begun = openSync(join(folder, "begun"), "a");
    this.#effects = openSync(join(folder, "effects"), "a");
  }

  async initialize() {
    return { name: this.name, resourceType: "effects", version: "1", commandTypes };
  }

  async currentStatus() {
    return { healthy: true };
  }

  async executeRequest(command, { signal }) {
    if (command.type === "CheckHealth") return { type: "CheckHealthAnswer", result: true };
    if (!Object.hasOwn(commandTypes, command.type)) {
      return { type: "UnsupportedAnswer", result: false, errorCode: "UNSUPPORTED_COMMAND" };
    }
    const type = `${command.type}Answer`;
    note(this.#begun, command.id);
    if (command.takesMs > 0) await sleep(command.takesMs, undefined, { signal });
    if (!command.pauseAfter || command.fails) await this.#passGate(signal);
    if (command.fails) return { type, result: false, errorCode: "ASKED_TO_FAIL" };
    note(this.#effects, command.id);
    fsyncSync(this.#effects);
    if (command.pauseAfter) await this.#passGate(signal);
    return { type, result: true };
  }

  async #passGate(signal) {
    while (existsSync(this.#gate)) await sleep(gateEveryMs, undefined, { signal });
  }
}

/** The line break comes first: a line that a kill tore stays one by itself. */
function note(file, id) {
  writeSync(file, `\n${JSON.stringify({ id, pid: process.pid })}`);
}

export default ({ config }) => new EffectsResource(config.folder);
