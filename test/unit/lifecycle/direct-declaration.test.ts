import { describe, expect, it } from "vitest";
import {
  holdsSecrets,
  maskedSettings,
  whyNotDirect,
} from "../../../src/lifecycle/direct-declaration.ts";

describe("the settings of a direct agent", () => {
  it("are shown without what is secret by its name, however deep, and without passwords in URLs", () => {
    const settings = {
      host: "h",
      password: "p",
      bmc: [{ apiKey: "k", user: "u" }],
      accessToken: "t",
      uri: "https://me:hidden@host/x",
    };
    expect(maskedSettings(settings)).toEqual({
      host: "h",
      password: "***",
      bmc: [{ apiKey: "***", user: "u" }],
      accessToken: "***",
      uri: "https://me:***@host/x",
    });
    expect(holdsSecrets(settings)).toBe(true);
  });

  it("hold no secret when nothing in them is", () => {
    expect(holdsSecrets({ uri: "qemu+ssh://root@host/system", vms: 2, keyboard: "de" })).toBe(
      false,
    );
    expect(holdsSecrets({ password: "" })).toBe(false);
  });
});

describe("a direct agent", () => {
  it("is of a kind that gateways run, or of a module that their operator allows", () => {
    expect(whyNotDirect("simulator", {}, [])).toBeUndefined();
    expect(whyNotDirect("./mine", {}, [])).toMatch(/MUSTER_DIRECT_RESOURCES/);
    expect(whyNotDirect("./mine", {}, ["./mine"])).toBeUndefined();
  });

  it("of libvirt names its host, and nothing that the gateway's machine would run or open", () => {
    const why = (config: object) => whyNotDirect("kvm", { ...config }, []);
    expect(why({ uri: "qemu+ssh://root@host/system" })).toBeUndefined();
    expect(why({ uri: "qemu+tls://host/system" })).toBeUndefined();
    expect(why({ uri: "test:///default" })).toBeUndefined();
    expect(why({})).toMatch(/needs the libvirt URI/);
    expect(why({ uri: "qemu:///system" })).toMatch(/the URI of its host/);
    expect(why({ uri: "qemu+ext://host/system?command=/bin/sh" })).toMatch(/the URI of its host/);
    expect(why({ uri: "qemu+ssh://host/system?command=/bin/sh" })).toMatch(/by command/);
    expect(why({ uri: "qemu+ssh://host/system", virsh: "/bin/sh" })).toMatch(/setting virsh/);
  });
});
