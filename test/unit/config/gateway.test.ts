import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/errors.ts";
import { loadConfig } from "../../../src/config/index.ts";
import { thrownBy } from "../../helpers/thrown-by.ts";
import { run } from "../cli/run.ts";

describe("settings of a gateway", () => {
  it.each([
    ["MUSTER_PEER_HOST", "http://gw-1"],
    ["MUSTER_PEER_HOST", "gw-1:8251"],
    ["MUSTER_PEER_HOST", "gw 1"],
    ["MUSTER_PEER_HOST", "[fd00::1]"],
    ["MUSTER_PEER_HOST", "-"],
    ["MUSTER_ADVERTISE_HOST", "*"],
    ["MUSTER_ADVERTISE_HOST", "ws://gw-1:8250"],
    ["MUSTER_HOST", "127.0.0.1/8"],
    ["MUSTER_GATEWAY_ID", "gw/1"],
    ["MUSTER_GATEWAY_ID", "-gw"],
    ["MUSTER_GATEWAY_ID", "g".repeat(129)],
    ["MUSTER_GATEWAY_WEIGHT", "-1"],
    ["MUSTER_AGENT_PORT", "65536"],
    ["MUSTER_DRAIN_GRACE_MS", "30s"],
  ])("%s=%s - stops the process with exit code 2, by its name and value", async (name, value) => {
    const { message } = thrownBy(ConfigError, () => loadConfig({ [name]: value }));
    expect(message).toContain(`${name}: "${value}"`);
    const ended = await run(["gateway"], { [name]: value });
    expect(ended).toEqual({ code: 2, stdout: "", stderr: `muster: ${message}\n` });
  });

  it.each([
    ["MUSTER_PEER_HOST", "*", "peerHost"],
    ["MUSTER_PEER_HOST", "gw-1.internal.example.", "peerHost"],
    ["MUSTER_ADVERTISE_HOST", "fd00::1", "advertiseHost"],
    ["MUSTER_ADVERTISE_HOST", "muster_gateway-1", "advertiseHost"],
    ["MUSTER_HOST", "::", "host"],
    ["MUSTER_HOST", "localhost", "host"],
    ["MUSTER_GATEWAY_ID", "gw-1.zone_a", "gatewayId"],
  ] as const)("%s=%s - is taken as it is", (name, value, field) => {
    expect(loadConfig({ [name]: value })[field]).toBe(value);
  });
});
