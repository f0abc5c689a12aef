import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import type { SecretFact } from "../../domain/facts/facts.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import { CLIENT_CERTIFICATE_KEYS } from "../../gateway/api7/facts.ts";
import { type Content, factOf } from "./secrets.ts";

/** PEM texts as the prober wants them; undefined while the Secret cannot be used. */
export interface ClientTls {
  cert: string;
  key: string;
  ca?: string;
}

const FIELD = "spec.controlPlane.clientCertificateRef";

/** The client certificate's Secret: is it whole, does it parse, do its halves belong together, is it valid now? */
export function readClientCertificate(name: string, content: Content, nowMs: number): SecretFact {
  const fact = factOf(name, content);
  if (fact.seen !== "present" || content.seen !== "present") return fact;
  const checked = checkClientCertificate(name, content.data, nowMs);
  return {
    ...fact,
    fingerprint: fingerprintOf(content.data),
    ...(checked.problem === undefined ? {} : { problem: checked.problem }),
    ...(checked.notAfterMs === undefined ? {} : { notAfterMs: checked.notAfterMs }),
  };
}

/** Of the certificates alone: nothing of the private key, and no label or annotation, is in it. */
function fingerprintOf(data: Readonly<Record<string, string>>): string {
  const { certificate, ca } = CLIENT_CERTIFICATE_KEYS;
  const text = JSON.stringify([data[certificate] ?? "", data[ca] ?? ""]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export function clientTls(content: Content): ClientTls | undefined {
  if (content.seen !== "present") return undefined;
  const { certificate, privateKey, ca } = CLIENT_CERTIFICATE_KEYS;
  const { [certificate]: cert, [privateKey]: key, [ca]: trusted } = content.data;
  if (!cert || !key) return undefined;
  return trusted ? { cert, key, ca: trusted } : { cert, key };
}

interface Checked {
  problem?: Problem;
  notAfterMs?: number;
}

function checkClientCertificate(name: string, data: Readonly<Record<string, string>>, nowMs: number): Checked {
  const missing = Object.values(CLIENT_CERTIFICATE_KEYS).filter((key) => !data[key]);
  if (missing.length > 0) {
    const keys = missing.join(", ");
    return problem("CertificateMissing", `Secret "${name}" has no key ${keys}: add it (tls.crt, tls.key, ca.crt)`);
  }
  const { certificate, privateKey, ca } = CLIENT_CERTIFICATE_KEYS;
  const leaf = parse(data[certificate] ?? "");
  if (!leaf) return invalid(name, `${certificate} is not a PEM certificate`);
  if (!parse(data[ca] ?? "")) return invalid(name, `${ca} is not a PEM certificate`);
  const notAfterMs = Date.parse(leaf.validTo);
  const notBeforeMs = Date.parse(leaf.validFrom);
  const matches = matchesKey(leaf, data[privateKey] ?? "");
  if (matches === "unreadable") return { ...invalid(name, `${privateKey} is not a PEM private key`), notAfterMs };
  if (!matches) return { ...invalid(name, `${privateKey} does not belong to ${certificate}`), notAfterMs };
  if (nowMs >= notAfterMs) return { ...invalid(name, `${certificate} ended at ${iso(notAfterMs)}`), notAfterMs };
  if (nowMs < notBeforeMs) return { ...invalid(name, `${certificate} begins at ${iso(notBeforeMs)}`), notAfterMs };
  return { notAfterMs };
}

// Parsing costs a millisecond, and the same Secret is looked at in every loop.
const parsed = new Map<string, X509Certificate | undefined>();
const PARSED_MAX = 256;

function parse(pem: string): X509Certificate | undefined {
  if (parsed.has(pem)) return parsed.get(pem);
  let certificate: X509Certificate | undefined;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    certificate = undefined; // its message quotes nothing useful
  }
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(pem, certificate);
  return certificate;
}

function matchesKey(leaf: X509Certificate, pem: string): boolean | "unreadable" {
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem));
  } catch {
    return "unreadable";
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

const invalid = (name: string, what: string): Checked =>
  problem(
    "CertificateInvalid",
    `Secret "${name}" cannot be used: ${what}. Renew it; gateways that run are not touched`,
  );

const problem = (reason: string, message: string): Checked => ({ problem: { reason, field: FIELD, message } });
