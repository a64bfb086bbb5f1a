import { describe, expect, it } from "vitest";
import { describeHost } from "../../../src/gateway/host-description.ts";
import { hashSecret, proveIdentity, proveInvitation } from "../../../src/gateway/identity.ts";

const startup = {
  type: "Startup",
  name: "host",
  resourceType: "kvm",
  zone: "z",
  cluster: "c",
  version: "1",
} as const;

describe("host description", () => {
  it("host description - several resources make one host, with the address of whoever has one", () => {
    const host = describeHost(
      [
        startup,
        { ...startup, name: "disk", address: "10.0.0.1", probePorts: [22], migrateTo: "there" },
      ],
      "agent/1",
    );
    expect(host).toEqual({
      zone: "z",
      cluster: "c",
      resourceType: "kvm",
      software: "agent/1",
      address: "10.0.0.1",
      probePorts: [22],
      migrateTo: "there",
      resources: [
        { name: "host", resourceType: "kvm", version: "1" },
        { name: "disk", resourceType: "kvm", version: "1" },
      ],
    });
  });

  it.each([
    ["NO_RESOURCE", []],
    ["DUPLICATE_RESOURCE", [startup, startup]],
    ["MIXED_PLACES", [startup, { ...startup, name: "other", zone: "elsewhere" }]],
  ])("host description - %s is refused", (code, startups) => {
    expect(() => describeHost(startups, "agent/1")).toThrow(expect.objectContaining({ code }));
  });
});

describe("identity", () => {
  const secret = "s".repeat(43);
  const hello = { agentId: "a", software: "t", credentials: { secret } };
  const identity = {
    secretHash: hashSecret(secret),
    removed: false,
    zone: "z",
    cluster: "c",
    resourceType: "kvm",
    pingIntervalMs: null,
    pingTimeoutMultiplier: null,
  };

  it("identity - the agent's own secret proves it, another one does not, with any join token", () => {
    expect(() => {
      proveIdentity(hello, identity);
    }).not.toThrow();
    const thief = { ...hello, credentials: { secret: "t".repeat(43), joinToken: "right" } };
    expect(() => {
      proveIdentity(thief, identity);
    }).toThrow(expect.objectContaining({ code: "SECRET_WRONG" }));
  });

  it("identity - a removed agent is told so only when it proved who it is", () => {
    const removed = { ...identity, removed: true };
    expect(() => {
      proveIdentity(hello, removed);
    }).toThrow(expect.objectContaining({ code: "REMOVED" }));
    const thief = { ...hello, credentials: { secret: "t".repeat(43) } };
    expect(() => {
      proveIdentity(thief, removed);
    }).toThrow(expect.objectContaining({ code: "SECRET_WRONG" }));
  });

  it("identity - without a join token of the gateway's own, nobody new gets in", () => {
    const invited = { ...hello, credentials: { secret, joinToken: "right" } };
    expect(() => {
      proveInvitation(invited, "right");
    }).not.toThrow();
    for (const own of ["wrong", undefined]) {
      expect(() => {
        proveInvitation(invited, own);
      }).toThrow(expect.objectContaining({ code: "JOIN_TOKEN_WRONG" }));
    }
    expect(() => {
      proveInvitation(hello, "right");
    }).toThrow(expect.objectContaining({ code: "JOIN_TOKEN_NEEDED" }));
  });
});
