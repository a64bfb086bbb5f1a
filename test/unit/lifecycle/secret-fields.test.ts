import { describe, expect, it } from "vitest";
import { undeclaredTraits } from "../../../src/api/index.ts";
import {
  fieldsInClear,
  maskSecrets,
  recurringSecret,
} from "../../../src/lifecycle/secret-fields.ts";

const command = {
  type: "MakeVm",
  id: "c-1",
  spec: { password: "correct horse", token: { $sealed: "k1:AAAA" } },
  disks: [{ key: "a" }, {}, { key: null }],
};

describe("secret fields", () => {
  it("in clear - are named with their place; sealed, absent and null ones are not", () => {
    const fields = ["spec.password", "spec.token", "disks.key", "disks.1", "spec.password.deeper"];
    expect(fieldsInClear(command, fields)).toEqual(["spec.password", "disks.0.key"]);
  });

  it("names of Object's own - are no fields", () => {
    expect(fieldsInClear(command, ["constructor", "__proto__.x", "toString.name"])).toEqual([]);
  });

  it("masked - hides declared fields and everything that is sealed, declared or not", () => {
    expect(maskSecrets(command, ["spec.password"])).toEqual({
      ...command,
      spec: { password: "***", token: "***" },
    });
    expect(command.spec.password).toBe("correct horse");
  });

  it("sent again and again - are refused, sealed or not, with the place; Commands without them are not", () => {
    const declared = { MakeVm: { ...undeclaredTraits, secretFields: ["spec.password"] } };
    expect(recurringSecret([command], declared)).toMatch(/^Field spec.password of MakeVm/);
    expect(recurringSecret([command], undefined)).toMatch(/^Field spec.token of MakeVm/);
    const open = [{ type: "MakeVm", spec: { cores: 2 } }, { type: "ListVms" }];
    expect(recurringSecret(open, declared)).toBeUndefined();
  });

  it("an object that has more than $sealed - is a value like any other", () => {
    const odd = { type: "X", id: "c-2", value: { $sealed: "k1:AAAA", more: 1 }, n: { $sealed: 1 } };
    expect(maskSecrets(odd, [])).toBe(odd);
  });
});
