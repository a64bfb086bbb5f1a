import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import { answersBytesMax, fitAnswers } from "../../../src/lifecycle/fit-answers.ts";
import { sizeOf } from "../../../src/lifecycle/size-of.ts";

function answer(commandId: string, chars: number, more: Partial<Answer> = {}): Answer {
  return { type: "ReadAnswer", commandId, result: true, details: "x".repeat(chars), ...more };
}

describe("Answers that are too large for a lifecycle", () => {
  it("small ones - stay the very same", () => {
    const answers = [answer("a", 10), answer("b", answersBytesMax - 1_000)];
    expect(fitAnswers(answers)).toBe(answers);
  });

  it("the largest - is replaced, the others stay; what is known of the effect does, too", () => {
    const small = answer("b", 10);
    const fitted = fitAnswers([answer("a", 2_000), small, answer("c", 500)], 1_500);
    expect(fitted).toMatchObject([
      { commandId: "a", result: false, outcome: "done", errorCode: "ANSWER_TOO_LARGE" },
      small,
      { commandId: "c", result: true },
    ]);
    expect(fitted[0]?.details).toContain("The Command succeeded");
    const unknown = answer("a", 2_000, { result: false, outcome: "unknown" });
    expect(fitAnswers([unknown], 1_500)).toMatchObject([{ outcome: "unknown" }]);
  });

  it("any - fit together, one for each Command in its order", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sizes, (all) => {
        const answers = all.map((chars, i) => answer(`c${i}`, chars));
        const fitted = fitAnswers(answers, 20_000);
        expect(sizeOf(fitted)).toBeLessThanOrEqual(20_000);
        expect(fitted.map(({ commandId }) => commandId)).toEqual(
          answers.map(({ commandId }) => commandId),
        );
      }),
    );
  });
});
