import { describe, expect, it } from "vitest";
import { undeclaredTraits } from "../../../src/api/index.ts";
import { describeHost } from "../../../src/gateway/host-description.ts";
import { hashSecret, identityFacts } from "../../../src/gateway/identity.ts";

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

  it("host description - facts of all resources, the first that knows one counts; too long ones are left out whole", () => {
    const host = describeHost(
      [
        { ...startup, facts: { world: "http://127.0.0.1:1", cpuCount: 4 } },
        {
          ...startup,
          name: "disk",
          facts: { cpuCount: 8, spinning: true, long: "x".repeat(257), ["n".repeat(65)]: 1 },
        },
      ],
      "agent/1",
    );
    expect(host.facts).toEqual({ world: "http://127.0.0.1:1", cpuCount: 4, spinning: true });
  });

  it("host description - a flood of facts is bounded", () => {
    const facts = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`fact-${i}`, i]));
    const host = describeHost([{ ...startup, facts }], "agent/1");
    expect(Object.keys(host.facts ?? {})).toHaveLength(64);
  });

  it("host description - what one resource keeps secret stays so, whatever another one says of the type", () => {
    const traits = { ...undeclaredTraits, secretFields: ["password"] };
    const host = describeHost(
      [
        { ...startup, commandTypes: { MakeVm: traits, Other: undeclaredTraits } },
        {
          ...startup,
          name: "disk",
          commandTypes: { MakeVm: { ...undeclaredTraits, readOnly: true, secretFields: ["key"] } },
        },
        { ...startup, name: "net", commandTypes: { MakeVm: undeclaredTraits } },
      ],
      "agent/1",
    );
    expect(host.commandTypes).toEqual({
      MakeVm: { ...undeclaredTraits, secretFields: ["password", "key"] },
      Other: undeclaredTraits,
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
    directSecretHash: null,
  };

  const thief = { ...hello, credentials: { secret: "t".repeat(43), joinToken: "right" } };

  it("identity - the agent's own secret proves it, another one does not, with any join token", () => {
    expect(identityFacts(hello, identity, "right")).toEqual({
      type: "known",
      secret: "right",
      removed: false,
      resourceType: "kvm",
    });
    expect(identityFacts(thief, identity, "right")).toMatchObject({ secret: "wrong" });
  });

  it("identity - of a direct agent, what its owner made for it proves it, known or not, and nothing else", () => {
    const made = hashSecret("o".repeat(43));
    const owned = { ...hello, credentials: { secret: "o".repeat(43) } };
    const declared = { ...identity, directSecretHash: made };
    expect(identityFacts(owned, declared, "right")).toEqual({
      type: "direct",
      secret: "right",
      removed: false,
      resourceType: "kvm",
    });
    expect(identityFacts(hello, declared, "right")).toMatchObject({ secret: "wrong" });
    expect(identityFacts(owned, undefined, "right", made)).toMatchObject({ secret: "right" });
    expect(identityFacts(thief, undefined, "right", made)).toMatchObject({
      type: "direct",
      secret: "wrong",
    });
  });

  it("identity - a revoked secret is shown by nobody", () => {
    const revoked = { ...identity, secretHash: Buffer.alloc(0), removed: true };
    for (const anyone of [hello, thief]) {
      expect(identityFacts(anyone, revoked, "right")).toMatchObject({
        secret: "wrong",
        removed: true,
      });
    }
  });

  it("identity - without a join token of the gateway's own, nobody new gets in", () => {
    const invited = { ...hello, credentials: { secret, joinToken: "right" } };
    const joinTokenOf = (ours: string | undefined) => identityFacts(invited, undefined, ours);
    expect(joinTokenOf("right")).toEqual({ type: "unknown", joinToken: "right" });
    expect(joinTokenOf("wrong")).toEqual({ type: "unknown", joinToken: "wrong" });
    expect(joinTokenOf(undefined)).toEqual({ type: "unknown", joinToken: "wrong" });
    expect(identityFacts(hello, undefined, "right")).toEqual({
      type: "unknown",
      joinToken: "none",
    });
  });
});
