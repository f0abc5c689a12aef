import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Pair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}
export interface Certificates {
  /** PEM of the authority that signed both. */
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
}

/**
 * Makes an authority, a server certificate for the names and addresses given, and a client certificate, with openssl, in
 * a folder that is created (`ca.crt`, `server/tls.crt`, `server/tls.key`, `server/ca.crt`, `client/...`: each of the two
 * folders is what a Secret of the contract holds).
 */
export function makeCertificates(
  folder: string,
  options: { names: readonly string[]; addresses?: readonly string[]; days?: number },
): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const days = String(options.days ?? 30);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    days,
    "-subj",
    "/CN=simulator authority",
  );
  const ca = readFileSync(join(folder, "ca.crt"), "utf8");
  const sign = (name: "server" | "client", extensions: string): Pair => {
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl("req", ...newKey, "-keyout", `${name}/tls.key`, "-out", `${name}.csr`, "-subj", `/CN=simulator ${name}`);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-days",
      days,
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}/tls.crt`,
    );
    writeFileSync(join(folder, name, "ca.crt"), ca);
    const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
    return { cert: read("tls.crt"), key: read("tls.key") };
  };
  const names = [...options.names.map((name) => `DNS:${name}`), ...(options.addresses ?? []).map((ip) => `IP:${ip}`)];
  return {
    ca,
    server: sign("server", `subjectAltName=${names.join(",")}\nextendedKeyUsage=serverAuth\n`),
    client: sign("client", "extendedKeyUsage=clientAuth\n"),
  };
}
