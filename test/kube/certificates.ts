import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A self-signed certificate for 127.0.0.1, which is its own CA. */
export function selfSigned(): { cert: string; key: string; ca: string } {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-cert-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
    const subject = ["-subj", "/CN=stub", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...ec, "-out", cert, ...subject], { stdio: "pipe" });
    const pem = readFileSync(cert, "utf8");
    return { cert: pem, key: readFileSync(key, "utf8"), ca: pem };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
