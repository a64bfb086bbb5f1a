import { describe, expect, it } from "vitest";
import { facts } from "../../../src/cli/text/facts.ts";
import { answersText, failureOf } from "../../../src/cli/text/answers.ts";
import { plain } from "../../../src/cli/text/plain.ts";
import { table } from "../../../src/cli/text/table.ts";
import { roughly, took } from "../../../src/cli/text/times.ts";
import { hanging, wrap } from "../../../src/cli/text/wrap.ts";

interface Row {
  readonly id: string;
  readonly count: number;
  readonly why: string;
}
const columns = [
  { title: "ID", text: (row: Row) => row.id },
  { title: "COUNT", text: (row: Row) => String(row.count), align: "right" as const },
  { title: "WHY", text: (row: Row) => row.why, cuttable: true },
];

describe("table", () => {
  it("aligns columns, without blanks at the ends of lines", () => {
    const rows = [
      { id: "a", count: 7, why: "" },
      { id: "longer", count: 12_345, why: "because" },
    ];
    expect(table(columns, rows, 120)).toBe(
      ["ID      COUNT  WHY", "a           7", "longer  12345  because", ""].join("\n"),
    );
  });

  it("cuts what may be cut until the line fits, and never an id", () => {
    const rows = [{ id: "i".repeat(40), count: 1, why: "w".repeat(500) }];
    const lines = table(columns, rows, 80).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBe(80);
    expect(lines[1]).toContain("i".repeat(40));
    expect(lines[1]).toMatch(/w+…$/);
    expect(table(columns, rows, 20)).toContain("i".repeat(40));
  });

  it("shows text of hosts without letting it steer the terminal", () => {
    const rows = [{ id: "a", count: 1, why: "red \u001b[31m, bell \u0007,\n next line\u202e" }];
    const text = table(columns, rows, 120);
    expect(text.split("\n")).toHaveLength(3);
    expect(text).toContain("red ·[31m, bell ·, next line·");
  });
});

describe("wrapped text", () => {
  it("breaks between words, and leaves long words whole", () => {
    expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrap("a-very-long-word b", 5)).toEqual(["a-very-long-word", "b"]);
    expect(wrap("", 5)).toEqual([]);
  });

  it("hangs below its first line", () => {
    expect(hanging("12:00  ", `${"x".repeat(20)} yyy`, 27)).toBe(
      `12:00  ${"x".repeat(20)}\n       yyy\n`,
    );
  });

  it("lists facts that are known", () => {
    const pairs = [
      ["agent", "h-1"],
      ["address", undefined],
      ["why", "x"],
    ] as const;
    expect(facts(pairs, 80)).toBe("agent  h-1\nwhy    x\n");
  });
});

describe("times", () => {
  it.each([
    [-5, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000 * 23, "23 h"],
    [86_400_000 * 3, "3 d"],
  ])("%i ms is roughly %s", (ms, words) => {
    expect(roughly(ms)).toBe(words);
  });

  it.each([
    [0, "0 s"],
    [254, "0.25 s"],
    [2_040, "2 s"],
    [12_345, "12.3 s"],
    [200_000, "3 min 20 s"],
  ])("%i ms took %s", (ms, words) => {
    expect(took(ms)).toBe(words);
  });
});

describe("Answers", () => {
  const done = { type: "StopVmAnswer", commandId: "c1", result: true } as const;

  it("say what became of each Command, and what else they hold", () => {
    const stats = {
      type: "GetHostStatsAnswer",
      commandId: "c",
      result: true,
      stats: { cpuCount: 4 },
    };
    expect(answersText([done, stats], 120)).toBe(
      'StopVmAnswer  done\nGetHostStatsAnswer  done\n  "stats": {\n    "cpuCount": 4\n  }\n',
    );
    expect(failureOf([done, stats])).toBeUndefined();
  });

  it("never mix up failed, not sent and unknown", () => {
    const error = { type: "ErrorAnswer", commandId: "c", result: false } as const;
    const failed = { ...error, errorCode: "VM_NOT_FOUND", details: "no VM web-1" };
    expect(failureOf([done, failed])).toBe("ErrorAnswer: failed [VM_NOT_FOUND]: no VM web-1");
    expect(failureOf([{ ...error, outcome: "notSent" }])).toContain("not sent, it took no effect");
    expect(failureOf([{ ...error, outcome: "unknown" }])).toContain("may have taken effect");
  });
});

describe("plain", () => {
  it("keeps letters of every script", () => {
    expect(plain("Größe 主机 📦")).toBe("Größe 主机 📦");
  });
});
