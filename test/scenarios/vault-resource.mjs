/** A resource with secrets, for scenarios: it notes a hash of each password that it is given, and nothing else of it. */
import { createHash } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const traits = {
  inSequence: true,
  idempotent: false,
  readOnly: false,
  needsNewResources: false,
  evacuation: false,
  check: false,
  waitSeconds: 60,
  secretFields: ["password", "others.password"],
};

export default ({ config }) => ({
  name: "vault",
  initialize: async () => ({
    name: "vault",
    resourceType: "vault",
    version: "1",
    commandTypes: {
      SetPassword: traits,
      CheckPassword: { ...traits, inSequence: false, idempotent: true, readOnly: true },
    },
  }),
  currentStatus: async () => ({ healthy: true }),
  executeRequest: async (command) => {
    const hash = createHash("sha256").update(String(command.password)).digest("hex");
    if (command.type === "CheckPassword") {
      return { type: "CheckPasswordAnswer", result: hash === command.hash };
    }
    if (command.type !== "SetPassword") {
      return { type: "UnsupportedAnswer", result: false, errorCode: "UNSUPPORTED_COMMAND" };
    }
    await appendFile(config.file, `${hash}\n`);
    await sleep(command.holdMs ?? 0);
    return { type: "SetPasswordAnswer", result: true };
  },
});
