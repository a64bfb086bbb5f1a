import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerToText,
  createDecoder,
  encodeFrame,
  encodeResponse,
  frameDepthMax,
  MalformedFrameError,
  type Frame,
  type RequestFrame,
} from "../../../src/wire/index.ts";

const decode = createDecoder({ bytesMax: 100_000 });
const request: RequestFrame = {
  v: 1,
  kind: "request",
  seq: 5,
  lane: "durable",
  commands: [{ type: "StopVm", id: "c1", vm: "v" }],
};

function codeOf(text: string | Buffer, bytesMax = 100_000): string {
  try {
    createDecoder({ bytesMax })(text);
    return "accepted";
  } catch (error) {
    if (error instanceof MalformedFrameError) return error.code;
    throw error;
  }
}

const id = fc.string({ minLength: 1, maxLength: 40 });
const seq = fc.nat();
const lane = fc.constantFrom("durable" as const, "direct" as const, "session" as const);
const payload = fc.dictionary(
  fc.string().filter((key) => !["__proto__", "type", "id", "resource"].includes(key)),
  // The decoder drops `__proto__` at any depth, on purpose.
  fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes("__proto__")),
);
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    v: fc.constant(1 as const),
    kind: fc.constant("request" as const),
    seq,
    lane,
    commands: fc.array(
      fc.record({ type: id, id, payload }).map(({ payload: fields, ...rest }) => ({
        ...fields,
        ...rest,
      })),
      { minLength: 1, maxLength: 5 },
    ),
  }),
  fc.record({
    v: fc.constant(1 as const),
    kind: fc.constant("response" as const),
    seq,
    lane,
    answers: fc.array(fc.record({ type: id, commandId: id, result: fc.boolean() })),
  }),
  fc.record({
    v: fc.constant(1 as const),
    kind: fc.constant("ack" as const),
    seq,
    commandIds: fc.array(id),
  }),
  fc.record({
    v: fc.constant(1 as const),
    kind: fc.constant("error" as const),
    code: id,
    message: fc.string(),
  }),
);

describe("codec", () => {
  test("any frame - comes back as it went in, from text and from bytes", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const text = encodeFrame(frame);
        // What JSON keeps of it: no -0, no undefined.
        const kept: unknown = JSON.parse(text);
        expect(decode(text)).toEqual(kept);
        expect(decode(Buffer.from(text))).toEqual(kept);
      }),
    );
  });

  test("any bytes - are a frame or malformed, never another error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(codeOf(text)).not.toBe("accepted");
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(codeOf(Buffer.from(bytes))).not.toBe("accepted");
      }),
    );
  });

  test("a frame with one field broken - is malformed", () => {
    const fields = ["v", "kind", "seq", "lane", "commands"] as const;
    const rubbish = fc.oneof(
      fc.constant(null),
      fc.constant({}),
      fc.constant(-1),
      fc.constant(1.5),
      fc.constant("x"),
      fc.constant([]),
      fc.constant([{}]),
    );
    fc.assert(
      fc.property(fc.constantFrom(...fields), rubbish, (field, value) => {
        expect(codeOf(JSON.stringify({ ...request, [field]: value }))).not.toBe("accepted");
      }),
    );
  });

  test("fields that nobody declared - are let through", () => {
    expect(decode(JSON.stringify({ ...request, later: { x: 1 } }))).toEqual({
      ...request,
      later: { x: 1 },
    });
  });

  test.each([
    ["TOO_LARGE", JSON.stringify({ ...request, pad: "x".repeat(200) }), 200],
    ["TOO_LARGE", JSON.stringify({ ...request, pad: "€".repeat(60) }), 200],
    ["NOT_JSON", "{", 200],
    ["NOT_JSON", "", 200],
    ["WRONG_SHAPE", "null", 200],
    ["WRONG_SHAPE", "[]", 200],
    ["WRONG_SHAPE", '"x"', 200],
    ["UNSUPPORTED_VERSION", JSON.stringify({ ...request, v: 2 }), 200],
    ["WRONG_SHAPE", JSON.stringify({ ...request, commands: [] }), 200],
  ])("%s - %s", (code, text, bytesMax) => {
    expect(codeOf(text, bytesMax)).toBe(code);
  });

  test.each([
    ["rack4-host7", { agentId: "rack4-host7" }],
    [undefined, { agentId: "no id!" }],
    [undefined, { agentId: 7 }],
    [undefined, null],
    [undefined, "text"],
  ])("another version - names its sender when it can be read: %s", (agentId, hello) => {
    expect(() => decode(JSON.stringify({ v: 3, hello }))).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED_VERSION", spoken: 3, agentId }),
    );
  });

  test("limit - a frame of exactly so many bytes passes", () => {
    const text = JSON.stringify({ ...request, pad: "é" });
    expect(codeOf(text, Buffer.byteLength(text))).toBe("accepted");
    expect(codeOf(text, Buffer.byteLength(text) - 1)).toBe("TOO_LARGE");
  });

  test("depth - counts brackets outside strings only", () => {
    const nested = (levels: number) =>
      JSON.stringify({ ...request, deep: 0 }).replace(
        '"deep":0',
        `"deep":${"[".repeat(levels)}${"]".repeat(levels)}`,
      );
    expect(codeOf(nested(frameDepthMax - 1))).toBe("accepted");
    expect(codeOf(nested(frameDepthMax))).toBe("TOO_DEEP");
    expect(codeOf(JSON.stringify({ ...request, text: '[{\\"['.repeat(100) }))).toBe("accepted");
    expect(codeOf("[".repeat(90_000))).toBe("TOO_DEEP");
  });

  test("prototype pollution - such keys have no effect on the frame or on anything else", () => {
    const evil = `{"v":1,"kind":"request","seq":1,"lane":"direct","__proto__":{"polluted":1},
      "commands":[{"type":"T","id":"c","\\u005f_proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]}`;
    const frame = decode(evil) as RequestFrame;
    const copy = Object.assign({}, frame.commands[0]) as Record<string, unknown>;
    expect(copy["polluted"]).toBeUndefined();
    expect(Object.keys(frame.commands[0] ?? {})).toEqual(["type", "id", "constructor"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("messages - name the field that is wrong", () => {
    const broken = { ...request, commands: [{ type: "T", id: 5 }] };
    expect(() => decode(JSON.stringify(broken))).toThrow(/\/commands\/0\/id/);
  });
});

describe("Answers of foreign code", () => {
  const answer = { type: "TAnswer", commandId: "c", result: true };

  test("a good one - makes the same frame as encodeFrame", () => {
    const text = answerToText(answer, 1_000);
    if (typeof text !== "string") throw new Error(text.details);
    const frame: Frame = { v: 1, kind: "response", seq: 3, lane: "direct", answers: [answer] };
    expect(encodeResponse(3, "direct", [text])).toBe(encodeFrame(frame));
  });

  test("what can't be sent - is named", () => {
    const cyclic: Record<string, unknown> = { ...answer };
    cyclic["self"] = cyclic;
    let deep: unknown = 0;
    for (let i = 0; i < frameDepthMax; i++) deep = [deep];
    expect(answerToText({ ...answer, result: "yes" }, 1_000)).toMatchObject({ type: "wrongShape" });
    expect(answerToText(cyclic, 1_000)).toMatchObject({ type: "notJson" });
    expect(answerToText({ ...answer, n: 1n }, 1_000)).toMatchObject({ type: "notJson" });
    expect(answerToText({ ...answer, deep }, 1_000)).toMatchObject({ type: "tooDeep" });
    expect(answerToText({ ...answer, pad: "x".repeat(999) }, 999)).toMatchObject({
      type: "tooLarge",
    });
  });

  test("what passes - the decoder takes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => {
        const text = answerToText({ ...fields, ...answer }, 50_000);
        if (typeof text === "string") decode(encodeResponse(1, "durable", [text]));
      }),
    );
  });
});
