// @ts-check
/**
 * An Investigator against `muster/api` alone: asks a rack's power distribution unit whether the host's outlet is on.
 * The PDU is an HTTP server that answers `GET /outlets/<n>` with `{ "outlet": n, "state": "on" | "off" }`.
 *
 * MUSTER_INVESTIGATOR_MODULES=./examples/pdu-investigator PDU_OUTLETS='{"host-7":"http://10.0.0.9/outlets/7"}' muster worker
 *
 * @typedef {import("muster/api").Investigator} Investigator
 * @typedef {import("muster/api").Finding} Finding
 */

/**
 * @param {Readonly<Record<string, string>>} outlets URL of each host's outlet, by agent id
 * @returns {Investigator}
 */
export function createPduInvestigator(outlets) {
  return {
    name: "pdu",
    summary: "asks the rack's PDU whether the host's outlet is on",
    async investigate({ agentId }, { signal }) {
      const url = Object.hasOwn(outlets, agentId) ? outlets[agentId] : undefined;
      if (url === undefined) return unknown(`PDU_OUTLETS names no outlet of ${agentId}.`);
      try {
        // The signal ends it in time; a redirect would be the word of somebody else.
        const response = await fetch(url, { signal, redirect: "error" });
        if (response.status !== 200)
          return unknown(`${url} answered with HTTP ${response.status}.`);
        return judge(url, JSON.parse(await shortText(response)));
      } catch (error) {
        // Silence is no proof of anything: never Down here.
        return unknown(`${url} gave no answer: ${String(error)}.`);
      }
    },
  };
}

/**
 * The whole answer, if it is as short as answers of a PDU are: one without end must not be waited for.
 * @param {Response} response
 */
async function shortText(response) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > 10_000) throw new Error("it answers without end");
  }
  return text;
}

/**
 * Down only where the outlet itself is said to be off; anything else may be anything.
 * @param {string} url
 * @param {unknown} answer
 * @returns {Finding}
 */
function judge(url, answer) {
  const { outlet, state } = /** @type {Record<string, unknown>} */ (Object(answer));
  if (typeof outlet !== "number") return unknown(`${url} answered with what is no outlet.`);
  if (state !== "off") return unknown(`${url} says that outlet ${outlet} is ${String(state)}.`);
  return {
    verdict: "Down",
    evidence: `${url} was asked: no power.`,
    proof: `${url} says that outlet ${outlet} is off.`,
  };
}

/**
 * @param {string} evidence
 * @returns {Finding}
 */
function unknown(evidence) {
  return { verdict: "Unknown", evidence };
}

/** The factory that workers call, once, at their start. */
export default function create() {
  return createPduInvestigator(JSON.parse(process.env["PDU_OUTLETS"] ?? "{}"));
}
