import { execFileSync } from "node:child_process";
import { join } from "node:path";

interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a certificate for 127.0.0.1 that no system trusts, in files of that folder. Needs `openssl`. */
export function makeCertificate(folder: string): CertificateFiles {
  return make(folder, "", ["-addext", "subjectAltName=IP:127.0.0.1"]);
}

/** Makes an authority, and a certificate of it for 127.0.0.1 that serves both ends of a connection. */
export function makeSignedCertificate(folder: string): CertificateFiles & { caFile: string } {
  const { certFile: caFile, keyFile: caKeyFile } = make(folder, "ca-", []);
  const signed = make(folder, "", [
    ...["-CA", caFile, "-CAkey", caKeyFile, "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  return { ...signed, caFile };
}

function make(folder: string, prefix: string, options: readonly string[]): CertificateFiles {
  const [certFile, keyFile] = [join(folder, `${prefix}cert.pem`), join(folder, `${prefix}key.pem`)];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", `/CN=${prefix}muster test`, "-days", "2", ...options],
      ...["-keyout", keyFile, "-out", certFile],
    ],
    { stdio: "ignore" },
  );
  return { certFile, keyFile };
}
