import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/index.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { newKeyEntry } from "../../../src/secrets/keyring.ts";
import { thrownBy } from "../../helpers/thrown-by.ts";

const payloadKey = newKeyEntry("k1");
const token = randomBytes(16).toString("hex");

describe("settings of encryption", () => {
  it("nothing set - no keys, no endpoint", () => {
    const { payloadKeys, codecToken, codecOrigins } = loadConfig({ MUSTER_PAYLOAD_KEY: " " });
    expect([payloadKeys.ids, codecToken, codecOrigins]).toEqual([[], undefined, []]);
  });

  it("all set - are read", () => {
    const config = loadConfig({
      MUSTER_PAYLOAD_KEY: `${payloadKey},${newKeyEntry("k0")}`,
      MUSTER_CODEC_TOKEN: token,
      MUSTER_CODEC_ORIGINS: "http://localhost:8233, https://temporal.example",
    });
    expect(config.payloadKeys.ids).toEqual(["k1", "k0"]);
    expect(config.codecToken).toBe(token);
    expect(config.codecOrigins).toEqual(["http://localhost:8233", "https://temporal.example"]);
  });

  it("a malformed key - stops the process by its variable's name, without its value", () => {
    const broken = `k1:${randomBytes(31).toString("base64")}`;
    const error = thrownBy(ConfigError, () => loadConfig({ MUSTER_PAYLOAD_KEY: broken }));
    expect(error.message).toContain("MUSTER_PAYLOAD_KEY");
    expect(`${error.message} ${String(error.stack)} ${String(error.cause)}`).not.toContain(
      broken.slice(3, 15),
    );
  });

  it.each([
    ["a token without keys", { MUSTER_CODEC_TOKEN: token }, "MUSTER_PAYLOAD_KEY"],
    [
      "a short token",
      { MUSTER_CODEC_TOKEN: "short", MUSTER_PAYLOAD_KEY: payloadKey },
      "MUSTER_CODEC_TOKEN",
    ],
    [
      "a token that is no part of a path",
      { MUSTER_CODEC_TOKEN: `${token}/..`, MUSTER_PAYLOAD_KEY: payloadKey },
      "MUSTER_CODEC_TOKEN",
    ],
    ["every origin", { MUSTER_CODEC_ORIGINS: "*" }, "MUSTER_CODEC_ORIGINS"],
    [
      "an origin with a path",
      { MUSTER_CODEC_ORIGINS: "http://localhost:8233/" },
      "MUSTER_CODEC_ORIGINS",
    ],
  ])("%s - is refused by its name", (_what, env, variable) => {
    const { message } = thrownBy(ConfigError, () => loadConfig(env));
    expect(message).toContain(variable);
    expect(message).not.toContain(token);
  });
});
