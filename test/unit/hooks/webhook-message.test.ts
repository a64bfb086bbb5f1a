import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { takeBatch } from "../../../src/activities/hooks/webhook-batch.ts";
import { signatureHeaders } from "../../../src/activities/hooks/webhook-signature.ts";
import type { EventRow } from "../../../src/db/index.ts";

function event(id: number, text = ""): EventRow {
  return { id, agentId: "a", no: id, at: new Date(0), epoch: 1, type: "status", text, data: null };
}
const events = (count: number, text = "") =>
  Array.from({ length: count }, (_, i) => event(i + 1, text));

describe("signature of a webhook's message", () => {
  it("is that of the Standard Webhooks scheme", () => {
    // The example of the scheme's own libraries.
    const headers = signatureHeaders(
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1_614_265_330_999,
      '{"test": 2432232314}',
    );
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("changes with id, time and body", () => {
    const key = Buffer.alloc(32, 7);
    const secret = `whsec_${key.toString("base64")}`;
    const sign = (id: string, at: number, body: string) =>
      signatureHeaders(secret, id, at, body)["webhook-signature"];
    const signatures = [sign("a", 1_000, "x"), sign("b", 1_000, "x"), sign("a", 2_000, "x")];
    expect(new Set([...signatures, sign("a", 1_000, "y")]).size).toBe(4);
    const expected = createHmac("sha256", key).update("a.1.x").digest("base64");
    expect(signatures[0]).toBe(`v1,${expected}`);
  });
});

describe("a batch of events", () => {
  it("no events - no batch", () => {
    expect(takeBatch("w", [])).toBeUndefined();
  });

  it("many - the first hundred, named by its ends", () => {
    const batch = takeBatch("w", events(250));
    expect(batch).toMatchObject({ messageId: "w.1-100", count: 100, lastId: 100 });
    expect((JSON.parse(batch?.body ?? "") as EventRow[]).map(({ id }) => id)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });

  it("large ones - as many as fit by their bytes, not their characters", () => {
    const limits = { eventsMax: 100, bytesMax: 10_000 };
    const batch = takeBatch("w", events(100, "ü".repeat(1_000)), limits);
    expect(batch?.count).toBe(4);
    expect(Buffer.byteLength(batch?.body ?? "")).toBeLessThanOrEqual(10_000);
  });

  it("one that is too large - goes alone", () => {
    const limits = { eventsMax: 100, bytesMax: 1_000 };
    const batch = takeBatch("w", [event(1, "x".repeat(5_000)), event(2)], limits);
    expect(batch).toMatchObject({ count: 1, lastId: 1 });
  });
});
