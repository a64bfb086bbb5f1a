import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { bearerCheck } from "../../../src/gateway/api/auth.ts";
import { callerRequest, checkFits } from "../../../src/gateway/api/caller-request.ts";
import { commandsBody } from "../../../src/gateway/api/command-schemas.ts";
import { agentsQuery } from "../../../src/gateway/api/schemas.ts";
import { firstError, parseJson, validatorCompiler } from "../../../src/gateway/api/validation.ts";

describe("bearerCheck", () => {
  const isAuthorized = bearerCheck("the-token-0123456789");
  it.each([
    ["Bearer the-token-0123456789", true],
    ["bearer  the-token-0123456789 ", true],
    ["Bearer the-token-0123456780", false],
    ["Bearer the-token-0123456789 more", false],
    ["Bearer ", false],
    ["Basic the-token-0123456789", false],
    ["the-token-0123456789", false],
    ["", false],
    [undefined, false],
  ])("%s - %s", (header, expected) => {
    expect(isAuthorized(header)).toBe(expected);
  });
});

describe("parseJson", () => {
  it("__proto__, also escaped - is dropped", () => {
    for (const name of ["__proto__", "\\u005f_proto__"]) {
      const value = parseJson(`{"a":1,"${name}":{"isAdmin":true}}`) as Record<string, unknown>;
      expect(Object.keys(value)).toEqual(["a"]);
      expect(value["isAdmin"]).toBeUndefined();
    }
  });

  it("what is no JSON, or nested too deep - is refused with its code", () => {
    expect(() => parseJson("{")).toThrow(expect.objectContaining({ code: "MALFORMED_JSON" }));
    const deep = `${"[".repeat(65)}${"]".repeat(65)}`;
    expect(() => parseJson(deep)).toThrow(expect.objectContaining({ code: "INVALID_REQUEST" }));
    expect(parseJson(`${"[".repeat(60)}${"]".repeat(60)}`)).toBeTruthy();
  });
});

describe("validatorCompiler", () => {
  const check = (schema: typeof agentsQuery | typeof commandsBody, httpPart: string) =>
    validatorCompiler({ schema, httpPart, method: "GET", url: "/" });

  it("a query - is converted to what the schema wants", () => {
    expect(check(agentsQuery, "querystring")({ limit: "5", withRemoved: "true" })).toEqual({
      value: { limit: 5, withRemoved: true },
    });
    expect(check(agentsQuery, "querystring")({ limit: "x" })).toMatchObject({
      error: { code: "INVALID_REQUEST" },
    });
  });

  it("a body - is not", () => {
    const body = { commands: [{ type: "A" }], waitSeconds: "5" };
    expect(check(commandsBody, "body")(body)).toMatchObject({ error: { code: "INVALID_REQUEST" } });
  });

  it("an unknown field - is named; fields of a Command's own type are not unknown", () => {
    const compiled = Compile(commandsBody);
    expect(firstError(compiled, { commands: [{ type: "A" }], patience: 5 }, "body")).toBe(
      "body: does not take patience.",
    );
    expect(compiled.Check({ commands: [{ type: "A", colour: "red" }] })).toBe(true);
  });
});

describe("callerRequest", () => {
  it("ids that are absent - are made up, all different; given ones stay", () => {
    const request = callerRequest({
      commands: [{ type: "A" }, { type: "B" }, { type: "C", id: "c" }],
    });
    const ids = request.commands.map(({ id }) => id);
    expect(new Set([...ids, request.requestId]).size).toBe(4);
    expect(ids[2]).toBe("c");
    expect(request).toMatchObject({ onError: "stop" });
    expect(request).not.toHaveProperty("waitSeconds");
  });

  it("Commands that no frame holds - are refused by their size as JSON", () => {
    // In the caller's text a short exponent, in JSON.stringify's a long number.
    const text = `[${Array.from({ length: 100 }, () => "1e20").join(",")}]`;
    const numbers = JSON.parse(text) as number[];
    const request = callerRequest({ commands: [{ type: "A", ...{ numbers } }] });
    expect(() => {
      checkFits(request, text.length, 2_000);
    }).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
    expect(() => {
      checkFits(request, text.length, 10_000);
    }).not.toThrow();
  });
});
