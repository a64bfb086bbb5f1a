// @ts-check
/** The kit's checks with Node's own test runner: `npm test`. */
import { test } from "node:test";
import { investigatorChecks } from "muster/investigator-kit";
import { createPduInvestigator } from "./index.js";

const host = { agentId: "host-7", zone: "z", cluster: "c", resourceType: "kvm" };

for (const { name, run } of investigatorChecks(({ url }) => ({
  investigator: createPduInvestigator({ "host-7": `${url}/outlets/7` }),
  host,
}))) {
  test(name, run);
}
