/** A known path asked with the wrong method says so, and says which methods it takes. */
import { ApiError } from "./errors.ts";
import type { Api } from "./validation.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Watches the routes that are added from now on; call what it returns when all are there. */
export function refuseOtherMethods(api: Api): () => void {
  const taken = new Map<string, Set<string>>();
  api.addHook("onRoute", ({ url, method }) => {
    const known = taken.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one);
    taken.set(url, known);
  });
  return () => {
    for (const [url, known] of [...taken]) {
      const allowed = [...known].join(", ");
      api.route({
        url,
        method: methods.filter((method) => !known.has(method)),
        schema: { hide: true },
        // Before the body is read: it does not matter any more.
        onRequest: async (request, reply) => {
          reply.header("allow", allowed);
          throw new ApiError("METHOD_NOT_ALLOWED", `${request.method} is not one of ${allowed}.`);
        },
        handler: () => undefined,
      });
    }
  };
}
