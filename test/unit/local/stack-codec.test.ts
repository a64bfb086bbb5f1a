import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/index.ts";
import { codecEndpoint, codecEnv } from "../../../src/local/stack-codec.ts";

const ports = { agent: 1, api: 8251, temporal: 3, temporalUi: 8233, postgres: 5 };
const token = "codec-token-0123456789";

function context(env: Readonly<Record<string, string>>, codecToken: string | undefined) {
  const secrets = { apiToken: "a", joinToken: "j", codecToken };
  return { config: loadConfig(env), ports, secrets };
}

describe("the codec endpoint of the stack", () => {
  it("without a payload key - is not there, and the gateway is told of none", () => {
    expect(codecEndpoint(context({}, undefined))).toBeUndefined();
    expect(codecEnv(context({}, undefined))).toEqual({});
  });

  it("with one - is this machine's gateway, for the pages of the stack's UI and the user's own", () => {
    const own = context({ MUSTER_CODEC_ORIGINS: "https://ui.example" }, token);
    expect(codecEndpoint(own)).toBe(`http://127.0.0.1:8251/codec/${token}`);
    expect(codecEnv(own)).toEqual({
      MUSTER_CODEC_TOKEN: token,
      MUSTER_CODEC_ORIGINS: "https://ui.example,http://127.0.0.1:8233,http://localhost:8233",
    });
  });

  it("on one address, or with a certificate - is named so that it answers", () => {
    expect(codecEndpoint(context({ MUSTER_HOST: "10.0.0.7" }, token))).toMatch(
      /^http:\/\/10\.0\.0\.7:8251/,
    );
    const tls = { MUSTER_TLS_CERT: "c", MUSTER_TLS_KEY: "k", MUSTER_ADVERTISE_HOST: "m.example" };
    expect(codecEndpoint(context(tls, token))).toMatch(/^https:\/\/m\.example:8251/);
  });
});
