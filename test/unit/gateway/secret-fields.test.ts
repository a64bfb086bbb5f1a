import { describe, expect, it } from "vitest";
import { undeclaredTraits } from "../../../src/api/index.ts";
import { RequestRefusedError } from "../../../src/gateway/errors.ts";
import { maskedCommands, SecretFields } from "../../../src/gateway/secret-fields.ts";
import { readStartup } from "../../../src/gateway/session-commands.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { MalformedFrameError } from "../../../src/wire/errors.ts";
import { thrownBy } from "../../helpers/thrown-by.ts";

const secrets = new SecretFields(Keyring.parse(newKeyEntry("k1")));
const declared = {
  SetPassword: { ...undeclaredTraits, secretFields: ["password"] },
  // A type of `muster/api` that the agent's resource takes more fields of.
  StartVm: { ...undeclaredTraits, secretFields: ["spec.key"] },
};
const commands = [
  { type: "SetPassword", id: "c-1", user: "root", password: "correct horse" },
  { type: "StopVm", id: "c-2", vm: "vm-1", password: "no secret of this type" },
  { type: "StartVm", id: "c-3", vm: "vm-1", spec: { key: "battery staple" } },
];

describe("secret fields at a gateway", () => {
  it("declared ones - are sealed for Temporal and opened for the agent", () => {
    const sealed = secrets.seal("host-1", commands, declared);
    expect(JSON.stringify(sealed)).not.toMatch(/correct horse|battery staple/);
    expect(sealed[1]).toBe(commands[1]);
    expect(secrets.open("host-1", sealed)).toEqual(commands);
  });

  it("nothing declared, or nothing that is secret - leaves the Commands as they are", () => {
    const open = [{ type: "SetPassword", id: "c-1", user: "root" }];
    expect(secrets.seal("host-1", commands, undefined)).toBe(commands);
    expect(secrets.seal("host-1", open, declared)).toBe(open);
    expect(secrets.open("host-1", commands)).toBe(commands);
  });

  it("without a key - the Request is refused, and only when a secret is in it", () => {
    const keyless = new SecretFields(Keyring.empty);
    const error = thrownBy(RequestRefusedError, () => keyless.seal("host-1", commands, declared));
    expect(error).toMatchObject({ code: "PAYLOAD_KEY_NEEDED" });
    expect(error.message).toMatch(/password of SetPassword.*MUSTER_PAYLOAD_KEY/);
    expect(keyless.seal("host-1", commands.slice(1, 2), declared)).toEqual(commands.slice(1, 2));
  });

  it("a caller's own $sealed - is refused: it could be one that was meant for another place", () => {
    const copied = [{ type: "Echo", id: "c-9", deep: [{ text: { $sealed: "k1:AAAA" } }] }];
    const { code, message } = thrownBy(RequestRefusedError, () =>
      secrets.seal("host-1", copied, undefined),
    );
    expect([code, message]).toEqual(["INVALID_REQUEST", expect.stringContaining("deep.0.text")]);
  });

  it("listeners - see neither the secret nor what it is sealed as, on either lane", () => {
    for (const passing of [commands, secrets.seal("host-1", commands, declared)]) {
      expect(maskedCommands(passing, declared)).toEqual([
        { ...commands[0], password: "***" },
        commands[1],
        { ...commands[2], spec: { key: "***" } },
      ]);
    }
  });
});

describe("secretFields in a Startup", () => {
  const startup = (secretFields: unknown) => ({
    ...{ type: "Startup", id: "s", name: "host", resourceType: "x", zone: "z", cluster: "c" },
    version: "1",
    commandTypes: { SetPassword: { ...undeclaredTraits, secretFields } },
  });

  it.each([[["password", "spec.rootPassword", "typeOfKey", "ids"]], [[]], [undefined]])(
    "%j - is taken",
    (fields) => {
      expect(readStartup(startup(fields)).commandTypes?.["SetPassword"]?.secretFields).toEqual(
        fields,
      );
    },
  );

  it.each([
    [["type"]],
    [["id"]],
    [["resource.name"]],
    [[""]],
    [["a..b"]],
    [[".a"]],
    [["a."]],
    [[7]],
    [["a\u0000"]],
    [["x".repeat(129)]],
    ["password"],
    [Array.from({ length: 33 }, (_, i) => `f${i}`)],
  ])("%j - is malformed", (fields) => {
    expect(() => readStartup(startup(fields))).toThrow(MalformedFrameError);
  });
});
