// Health check of a container: asks the process on its own port whether it is ready; exit code 0 or 1.
//   node deploy/healthcheck.mjs gateway | worker
// Without an argument, either one that answers will do.
import http from "node:http";
import https from "node:https";

const roles = {
  gateway: {
    port: process.env.MUSTER_API_PORT || "8251",
    // The certificate names the public host, and this never leaves the container.
    client: process.env.MUSTER_TLS_CERT ? https : http,
  },
  worker: { port: process.env.MUSTER_WORKER_PORT || "8252", client: http },
};

function ready({ port, client }) {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path: "/readyz", rejectUnauthorized: false };
    const request = client.get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.setTimeout(4_000, () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

const asked = process.argv[2];
if (asked !== undefined && !Object.hasOwn(roles, asked)) {
  process.stderr.write(`"${asked}" is not one of ${Object.keys(roles).join(", ")}.\n`);
  process.exit(2);
}
const answers = await Promise.all((asked ? [roles[asked]] : Object.values(roles)).map(ready));
process.exit(answers.some(Boolean) ? 0 : 1);
