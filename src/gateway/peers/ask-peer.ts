/** Asks another gateway how it fares, without a link and without Temporal or PostgreSQL. */
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import type { PeerWord } from "../../lifecycle/fencing.ts";

const askMs = 1_500;
const wordBytesMax = 4_096;
const networkErrors = /^(ECONNRESET|ETIMEDOUT|EHOST|ENET|EPIPE|ENOTFOUND|EAI_)/;

/**
 * @param peerUrl operator API of that gateway, as other gateways reach it.
 * @returns `unsure` also when it is of a release that does not say how it fares.
 */
export function askPeer(peerUrl: string, ca: readonly string[] | undefined): Promise<PeerWord> {
  return new Promise((resolve) => {
    const url = new URL("/readyz", peerUrl);
    const get = url.protocol === "https:" ? getHttps : getHttp;
    const options = { agent: false, ...(ca !== undefined && { ca: [...ca] }) };
    const request = get(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (text.length < wordBytesMax) text += chunk;
      });
      response.on("end", () => {
        resolve(response.statusCode === 200 ? readWord(text) : { type: "unsure" });
      });
      response.on("error", () => {
        resolve({ type: "silent" });
      });
    });
    const timer = setTimeout(() => {
      request.destroy(new Error("no answer"));
    }, askMs);
    request.on("close", () => {
      clearTimeout(timer);
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      resolve({ type: wordOfError(error.code ?? "") });
    });
  });
}

/** What is no trouble of the network, such as a certificate of another name, was said by somebody there. */
function wordOfError(code: string): "dead" | "silent" | "unsure" {
  if (code === "ECONNREFUSED") return "dead";
  return code === "" || networkErrors.test(code) ? "silent" : "unsure";
}

function readWord(text: string): PeerWord {
  try {
    const { sureForMs } = JSON.parse(text) as { readonly sureForMs?: unknown };
    if (typeof sureForMs === "number" && sureForMs > 0) return { type: "sure", forMs: sureForMs };
  } catch {
    // Something else answers there.
  }
  return { type: "unsure" };
}
