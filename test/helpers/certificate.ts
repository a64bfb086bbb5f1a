import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Makes a certificate for 127.0.0.1 that no system trusts, in files of that folder. Needs `openssl`. */
export function makeCertificate(folder: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=muster test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"],
      ...["-keyout", keyFile, "-out", certFile],
    ],
    { stdio: "ignore" },
  );
  return { certFile, keyFile };
}
