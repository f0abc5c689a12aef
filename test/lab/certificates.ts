/** Certificates for tests, made by openssl: one authority per folder, P-256 keys, valid for ten years. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

const DAYS = "3650";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export interface Certificate {
  certPath: string;
  keyPath: string;
}

export interface CertificateOptions {
  /** Base name of the files. */
  name: string;
  commonName: string;
  /** Kubernetes reads a client's groups from here. */
  organizations?: string[];
  /** DNS names and IP addresses; with none it is a client's certificate only. */
  hosts?: string[];
  /** Default ten years; 0 or less makes one that has ended already (openssl 3). */
  days?: number;
}

export interface Authority {
  caPath: string;
  caKeyPath: string;
  issue(options: CertificateOptions): Certificate;
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** The authority of the folder: made when it is not there yet. */
export function authority(folder: string, commonName = "lab authority"): Authority {
  const caPath = join(folder, "ca.crt");
  const caKeyPath = join(folder, "ca.key");
  if (!existsSync(caPath)) {
    const files = ["-keyout", caKeyPath, "-out", caPath];
    openssl("req", "-x509", ...NEW_KEY, "-days", DAYS, "-subj", `/CN=${commonName}`, ...files);
  }
  const issue = ({ name, commonName: cn, organizations = [], hosts = [], days }: CertificateOptions): Certificate => {
    const base = join(folder, name);
    const subject = `${organizations.map((organization) => `/O=${organization}`).join("")}/CN=${cn}`;
    const names = hosts.map((host) => `${isIP(host) ? "IP" : "DNS"}:${host}`);
    const extensions = [
      "basicConstraints=CA:FALSE",
      "keyUsage=digitalSignature,keyEncipherment",
      "extendedKeyUsage=clientAuth,serverAuth",
      ...(names.length > 0 ? [`subjectAltName=${names.join(",")}`] : []),
    ];
    writeFileSync(`${base}.ext`, extensions.join("\n"));
    openssl("req", "-new", ...NEW_KEY, "-subj", subject, "-keyout", `${base}.key`, "-out", `${base}.csr`);
    const signer = ["-CA", caPath, "-CAkey", caKeyPath, "-CAcreateserial"];
    const files = ["-in", `${base}.csr`, "-extfile", `${base}.ext`, "-out", `${base}.crt`];
    openssl("x509", "-req", ...signer, "-days", days === undefined ? DAYS : String(days), ...files);
    chmodSync(`${base}.key`, 0o600);
    return { certPath: `${base}.crt`, keyPath: `${base}.key` };
  };
  return { caPath, caKeyPath, issue };
}
