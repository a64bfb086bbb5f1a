import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../../../src/config/index.ts";
import { temporalSettings } from "../../../src/temporal/settings.ts";

const settings = (env: Record<string, string>) => temporalSettings(loadConfig(env));
const TEMPORAL_ADDRESS = "temporal.example:7233";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-settings-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("Temporal's settings", () => {
  it("are plain text to the namespace default unless more is said", () => {
    expect(settings({ TEMPORAL_ADDRESS })).toEqual({
      namespace: "default",
      connection: { address: TEMPORAL_ADDRESS },
    });
  });

  it("need an address", () => {
    expect(() => settings({})).toThrow(/TEMPORAL_ADDRESS/);
  });

  it("take TLS, API key and metadata from the SDK's own variables", () => {
    const { connection } = settings({
      TEMPORAL_ADDRESS,
      TEMPORAL_API_KEY: "key",
      TEMPORAL_TLS_SERVER_NAME: "inner.example",
      TEMPORAL_GRPC_META_TEAM: "fleet",
    });
    expect(connection).toMatchObject({
      apiKey: "key",
      tls: { serverNameOverride: "inner.example" },
      metadata: { team: "fleet" },
    });
  });

  it("do not take an empty variable for a given one", () => {
    const env = { TEMPORAL_ADDRESS, TEMPORAL_API_KEY: "", TEMPORAL_NAMESPACE: " " };
    expect(settings(env)).toEqual(settings({ TEMPORAL_ADDRESS }));
  });

  it("refuse a misspelt switch instead of turning TLS off", () => {
    expect(() => settings({ TEMPORAL_ADDRESS, TEMPORAL_TLS: "yes" })).toThrow(ConfigError);
    expect(settings({ TEMPORAL_ADDRESS, TEMPORAL_TLS: "true" }).connection.tls).toBeTruthy();
  });

  it("come from a profile file when one is named; variables win over it", () => {
    const file = join(folder, "temporal.toml");
    writeFileSync(file, '[profile.default]\naddress = "other:7233"\nnamespace = "from-file"\n');
    const fromFile = settings({ TEMPORAL_CONFIG_FILE: file });
    expect(fromFile).toEqual({ namespace: "from-file", connection: { address: "other:7233" } });
    const both = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: "given" };
    expect(settings(both)).toEqual({
      namespace: "given",
      connection: { address: TEMPORAL_ADDRESS },
    });
  });

  it("refuse a profile file that is not there or not understood", () => {
    const TEMPORAL_CONFIG_FILE = join(folder, "missing.toml");
    expect(() => settings({ TEMPORAL_CONFIG_FILE })).toThrow(/TEMPORAL_CONFIG_FILE/);
    const broken = join(folder, "broken.toml");
    writeFileSync(broken, '[profile.default]\nadress = "misspelt:7233"\n');
    expect(() => settings({ TEMPORAL_CONFIG_FILE: broken })).toThrow(/adress/);
  });
});
