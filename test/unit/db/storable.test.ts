import { describe, expect, it } from "vitest";
import { storableJson, storableText } from "../../../src/db/storable.ts";

describe("storable text", () => {
  it("keeps what Postgres takes", () => {
    expect(storableText("näh 🙂 \\u0000 \n")).toBe("näh 🙂 \\u0000 \n");
  });

  it("replaces NULs and half surrogate pairs", () => {
    expect(storableText("a\0b\ud83dc\ude42")).toBe("a\u{FFFD}b\u{FFFD}c\u{FFFD}");
  });
});

describe("storable JSON", () => {
  it("keeps the value, and replaces in strings and keys at any depth", () => {
    const value = { a: [1, null, true, { "k\0": "v\0" }], b: "\\u0000" };
    expect(JSON.parse(storableJson(value) ?? "")).toEqual({
      a: [1, null, true, { "k\u{FFFD}": "v\u{FFFD}" }],
      b: "\\u0000",
    });
    expect(storableJson(undefined)).toBeNull();
  });
});
