import { describe, expect, it } from "vitest";
import { NoKeyError, SecretUnreadableError } from "../../../src/secrets/errors.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { openCommand, sealCommand } from "../../../src/secrets/sealed-fields.ts";
import { openText, sealText } from "../../../src/secrets/sealed-text.ts";
import { thrownBy } from "../../helpers/thrown-by.ts";

const k1 = newKeyEntry("k1");
const k2 = newKeyEntry("k2");
const keyring = Keyring.parse(k1);
const command = {
  type: "MakeVm",
  id: "c-1",
  name: "vm-1",
  spec: { password: "correct horse", cores: 2 },
  disks: [{ size: 10, key: { bits: [1, 2] } }, { size: 20 }],
};
const fields = ["spec.password", "disks.key", "spec.nothing", "name.deeper", "gone"];

describe("secret fields of a Command", () => {
  it("sealed and opened - are what they were; what is no secret stays readable", () => {
    const sealed = sealCommand(keyring, "host-1", command, fields);
    expect(sealed).toMatchObject({ type: "MakeVm", id: "c-1", name: "vm-1", spec: { cores: 2 } });
    expect(JSON.stringify(sealed["spec"])).toMatch(/"password":\{"\$sealed":"k1:[^"]+"\}/);
    expect(JSON.stringify(sealed)).not.toMatch(/correct horse|bits/);
    expect(openCommand(keyring, "host-1", sealed)).toEqual(command);
    expect(command.spec.password).toBe("correct horse");
  });

  it("nothing to seal - is the Command itself, with or without a key", () => {
    const plain = { type: "MakeVm", id: "c-2", spec: null, disks: [] };
    expect(sealCommand(Keyring.empty, "host-1", plain, fields)).toBe(plain);
    expect(openCommand(Keyring.empty, "host-1", plain)).toBe(plain);
  });

  it("sealed already - stays as it is", () => {
    const sealed = sealCommand(keyring, "host-1", command, fields);
    expect(sealCommand(Keyring.empty, "host-1", sealed, fields)).toBe(sealed);
  });

  it("without a key - is refused, naming the field and the variable but not the value", () => {
    for (const idle of [Keyring.empty, Keyring.parse(`plain,${k1}`)]) {
      const { code, message } = thrownBy(NoKeyError, () =>
        sealCommand(idle, "host-1", command, fields),
      );
      expect(code).toBe("PAYLOAD_KEY_NEEDED");
      expect(message).toMatch(/spec\.password of MakeVm.*MUSTER_PAYLOAD_KEY/);
      expect(message).not.toContain("correct horse");
    }
  });

  it.each([
    ["another agent", "host-2", (sealed: typeof command) => sealed],
    ["another Command", "host-1", (sealed: typeof command) => ({ ...sealed, id: "c-2" })],
    ["another type", "host-1", (sealed: typeof command) => ({ ...sealed, type: "Echo" })],
    [
      "another field",
      "host-1",
      (sealed: typeof command) => ({ ...sealed, name: sealed.spec.password, spec: {} }),
    ],
  ])("a sealed value for %s - does not open", (_what, agentId, moved) => {
    const sealed = sealCommand(keyring, "host-1", command, fields) as unknown as typeof command;
    const { code } = thrownBy(SecretUnreadableError, () =>
      openCommand(keyring, agentId, moved(sealed)),
    );
    expect(code).toBe("NOT_AUTHENTIC");
  });

  it.each(["", ":", "k1", "k1:", "k1:!!!!", "nobody:AAAA"])(
    "$sealed of %j - is unreadable",
    (text) => {
      const forged = { type: "MakeVm", id: "c-1", spec: { password: { $sealed: text } } };
      expect(() => openCommand(keyring, "host-1", forged)).toThrow(SecretUnreadableError);
    },
  );

  it("rotated keys - open what the old one sealed and seal with the new one", () => {
    const sealed = sealCommand(keyring, "host-1", command, fields);
    const rotated = Keyring.parse(`${k2},${k1}`);
    expect(openCommand(rotated, "host-1", sealed)).toEqual(command);
    expect(JSON.stringify(sealCommand(rotated, "host-1", command, fields))).toContain('"k2:');
  });
});

describe("a secret text at rest", () => {
  it("sealed - opens in its own place alone, and is up to date", () => {
    const kept = sealText(keyring, "webhook/wh-1", "whsec_abc");
    expect(kept).toMatch(/^sealed:k1:/);
    expect(openText(keyring, "webhook/wh-1", kept)).toEqual({ text: "whsec_abc", outdated: false });
    expect(() => openText(keyring, "webhook/wh-2", kept)).toThrow(SecretUnreadableError);
  });

  it("kept in clear before there was a key, or sealed with an older one - is outdated", () => {
    const kept = sealText(keyring, "webhook/wh-1", "whsec_abc");
    const rotated = Keyring.parse(`${k2},${k1}`);
    expect(openText(keyring, "webhook/wh-1", "whsec_abc").outdated).toBe(true);
    expect(openText(rotated, "webhook/wh-1", kept)).toEqual({ text: "whsec_abc", outdated: true });
  });

  it("without a key that encrypts - is kept as it is, and a sealed one is kept in clear again", () => {
    const idle = Keyring.parse(`plain,${k1}`);
    expect(sealText(idle, "webhook/wh-1", "whsec_abc")).toBe("whsec_abc");
    expect(openText(idle, "webhook/wh-1", "whsec_abc").outdated).toBe(false);
    const kept = sealText(keyring, "webhook/wh-1", "whsec_abc");
    expect(openText(idle, "webhook/wh-1", kept)).toEqual({ text: "whsec_abc", outdated: true });
    expect(() => openText(Keyring.empty, "webhook/wh-1", kept)).toThrow(/no MUSTER_PAYLOAD_KEY/);
  });
});
